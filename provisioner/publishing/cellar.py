"""The cellar: build inputs kept outside the checkout, each file named by its own SHA-256.

What is taken out is hashed again, so a damaged file counts as missing. Files arrive under a
temporary name and are renamed, so a half-written one is never seen.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from provisioner.files import locked, write_atomically

_IMAGES_KEPT = 4
_LONGEST_BUILD_SECONDS = 1800.0


class Cellar:
    """A folder of inputs by content, and of small notes about what was chosen."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scratch = folder / "scratch"
        self.images = folder / "images"
        self._inputs = folder / "inputs"
        self._notes = folder / "notes"
        for made in (self.scratch, self.images, self._inputs, self._notes):
            made.mkdir(parents=True, exist_ok=True)

    def find(self, sha256: str) -> Path | None:
        """The file with this content, or None when there is none that is whole."""
        path = self._inputs / sha256
        if not path.is_file():
            return None
        if hash_file(path) != sha256:
            path.unlink()
            return None
        return path

    def keep(self, path: Path) -> str:
        """Move a file of the scratch folder in; returns its SHA-256."""
        sha256 = hash_file(path)
        path.replace(self._inputs / sha256)
        return sha256

    def find_note(self, key: str) -> bytes | None:
        path = self._notes / key
        return path.read_bytes() if path.is_file() else None

    def write_note(self, key: str, text: bytes) -> None:
        write_atomically(self._notes / key, text)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One builder at a time. What a killed one left in the scratch folder is removed."""
        with locked(self.folder, part="another build", seconds=_LONGEST_BUILD_SECONDS):
            for left in self.scratch.iterdir():
                shutil.rmtree(left, ignore_errors=True)
            yield

    def drop_old(self, name: str) -> None:
        """Keep the newest few images of this name: enough to go back, not to fill the disk."""
        kept = sorted(self.images.glob(f"{name}-*"), key=lambda path: -path.stat().st_mtime)
        for old in kept[_IMAGES_KEPT:]:
            shutil.rmtree(old)


def hash_file(path: Path) -> str:
    """SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
