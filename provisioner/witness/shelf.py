"""The signed observations of each address, on the disk: the newest ones are kept."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from provisioner.core.appraisal.address import read_address
from provisioner.core.appraisal.observation import MOST_OBSERVATIONS, SEPARATOR
from provisioner.files import write_atomically

HISTORY_BYTES = 4 * 1024 * 1024  # of one answer; older notes are left out of it


class Shelf:
    """One folder an address, one file an observation, named by its time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "observations"

    def record(self, address: str, at: datetime, note: bytes) -> None:
        """Put a note on the shelf, and take away what is too old to be shown."""
        home = self._folder / read_address(address)
        write_atomically(home / at.strftime("%Y%m%dT%H%M%SZ.note"), note)
        for path in self._list(address)[MOST_OBSERVATIONS:]:
            path.unlink()

    def find_latest(self, address: str) -> bytes | None:
        """The newest note; None if there is none."""
        return next((path.read_bytes() for path in self._list(address)), None)

    def list_history(self, address: str) -> list[bytes]:
        """The newest first."""
        notes: list[bytes] = []
        size = 0
        for path in self._list(address):
            try:
                note = path.read_bytes()
            except FileNotFoundError:  # a newer one has just pushed it off the shelf
                break
            size += len(note) + len(SEPARATOR)
            if size > HISTORY_BYTES:
                break
            notes.append(note)
        return notes

    def _list(self, address: str) -> list[Path]:
        if not _is_address(address):
            return []
        home = self._folder / address
        return sorted((p for p in home.glob("*.note") if p.name[0] != "."), reverse=True)


def _is_address(text: str) -> bool:
    """In its one right form, so that it may be a folder's name."""
    try:
        return read_address(text) == text
    except ValueError:
        return False
