"""What the agent remembers of one container between two measurements."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from provisioner.agent.hashes import SETTLED_SECONDS, Hashes, Recall
from provisioner.agent.members import Visitor

_FULL_EVERY = timedelta(days=1)
_MANY_VISITORS = 10_000  # more are not told apart any more


@dataclass
class Memory:
    """`full_pass` is when every byte was last read; `visitors` came in since it started."""

    files: Hashes = field(default_factory=Hashes)
    programs: dict[bytes, str] = field(default_factory=dict)
    visitors: set[Visitor] = field(default_factory=set)
    full_pass: datetime | None = None
    keeper: int = 0
    settled_seconds: float = SETTLED_SECONDS

    def begin(self, now: datetime, *, is_full: bool) -> None:
        """Forgets what was read, if every byte is to be read, but never who came in."""
        if is_full or self._is_full_due(now):
            self.files, self.programs, self.full_pass = Hashes(), {}, now

    def recall(self, device: int) -> Recall:
        """For one walk over the files on that device."""
        return Recall(device, self.files, self.settled_seconds)

    def meet(self, visitors: set[Visitor]) -> None:
        if len(self.visitors) < _MANY_VISITORS:
            self.visitors |= visitors

    def _is_full_due(self, now: datetime) -> bool:
        """At first, once a day, and when the clock was set back."""
        return not self.full_pass or not timedelta(0) <= now - self.full_pass < _FULL_EVERY
