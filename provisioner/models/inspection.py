"""What a walk through a whole release repository found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedImage:
    """One image of a published release; `statement` is the digest of its provenance, or ""."""

    release: str
    name: str
    digest: str
    statement: str


@dataclass(frozen=True)
class Inspection:
    """What was walked. `problems` is empty when every byte is what its signatures promise."""

    releases: tuple[str, ...] = ()
    images: tuple[PublishedImage, ...] = ()
    files: int = 0
    expires: tuple[tuple[str, str], ...] = ()  # role, UTC ISO 8601
    problems: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        return not self.problems
