"""Uploads on their way in: kept in nameless files, never in memory, never over the reserve."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import IO

from . import room

LARGEST = 25 * room.MB
LOOK_EVERY = room.MB


class Intake:
    """A file that swallows what it cannot keep, so that the rest of the form still arrives.

    `full` and `too_big` say afterwards why there is nothing in it.
    """

    def __init__(self, folder: Path, reserve_mb: int) -> None:
        self._folder = folder
        self._reserve_mb = reserve_mb
        self._file: IO[bytes] | None = None
        self._unlooked = LOOK_EVERY
        self.full = False
        self.too_big = False
        self.length = 0

    def write(self, chunk: bytes) -> int:
        self.length += len(chunk)
        self.too_big = self.too_big or self.length > LARGEST
        self._unlooked += len(chunk)
        if self._unlooked >= LOOK_EVERY:
            self._unlooked = 0
            self.full = self.full or not room.has_room(self._folder, self._reserve_mb)
        if self.full or self.too_big:
            self.close()
        else:
            self._keep(chunk)
        return len(chunk)

    def _keep(self, chunk: bytes) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - see close()
            self._file.write(chunk)
            self._file.flush()
        except OSError as error:
            if error.errno not in room.FULL:
                raise
            self.full = True
            self.close()

    @property
    def descriptor(self) -> int:
        """For the process that reads the photo; rewound."""
        if self._file is None:
            raise ValueError("nothing was kept")
        self._file.seek(0)
        return self._file.fileno()

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size) if self._file else b""

    def seek(self, position: int, whence: int = 0) -> int:
        return self._file.seek(position, whence) if self._file else 0

    def tell(self) -> int:
        return self._file.tell() if self._file else 0

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
