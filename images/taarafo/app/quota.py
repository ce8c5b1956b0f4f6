"""How much this community may keep, as its host allows it, and how much it keeps.

Only photos are ever refused: words are small, and always fit.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from .settings import Settings

MB = 1_000_000  # as sizes are shown to people


class OverQuota(Exception):
    """The community has used up what its host allows it."""


@dataclass(frozen=True)
class Quota:
    """Bytes. `most` is 0 when there is no limit."""

    most: int
    used: int

    @property
    def is_near(self) -> bool:
        """Four fifths are used."""
        return self.most > 0 and self.used * 5 >= self.most * 4

    @property
    def is_reached(self) -> bool:
        return self.most > 0 and self.used >= self.most

    def refuse_beyond(self, more: int) -> None:
        """Raises OverQuota when so many bytes more do not fit."""
        if self.most and self.used + more > self.most:
            raise OverQuota


def read_quota(db: sqlite3.Connection, settings: Settings) -> Quota:
    """As it is at this moment. No folder is walked: the rows of photos know their sizes."""
    (photos,) = db.execute("SELECT coalesce(sum(bytes), 0) FROM photo").fetchone()
    rest = sum(_size_of(file) for file in (settings.database, settings.backup))
    return Quota(_read_most(settings.quota), photos + rest)


def _read_most(file: Path) -> int:
    """The host writes it anew whenever it changes, and takes it away when there is no limit."""
    try:
        text = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return 0
    return int(text) * MB if text.isdigit() and len(text) < 12 else 0


def _size_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
