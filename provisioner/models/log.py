"""What was seen of the public log while a release was read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class LogSeen:
    """`witnesses` maps each witness that cosigned this checkpoint to the moment it did so (UTC).

    `watchers` are (name, verifier key, address) of every witness that the policy names. `agents`
    holds the SHA-256, in hex, of every agent's enrolment by host id, the newest last. `vkey` is
    the log's own verifier key.
    """

    origin: str
    size: int
    root: str  # hex
    quorum: str  # the policy's word: `none`, or the name of a witness or group
    witnesses: dict[str, datetime]
    agents: dict[str, tuple[str, ...]]
    watchers: tuple[tuple[str, str, str], ...] = ()
    vkey: str = ""

    @property
    def seen_at(self) -> datetime | None:
        """The newest moment at which somebody independent vouched for the log."""
        return max(self.witnesses.values(), default=None)
