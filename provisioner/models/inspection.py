"""What a walk through a whole release repository found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Inspection:
    """What was walked. `problems` is empty when every byte is what its signatures promise."""

    releases: tuple[str, ...] = ()
    files: int = 0
    expires: tuple[tuple[str, str], ...] = ()  # role, UTC ISO 8601
    problems: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        return not self.problems
