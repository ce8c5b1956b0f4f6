"""Make one file of a repository that was listed, with the signed letter first.

python3 -m provisioner.node.pack '{"part": "/out/…", "file": "/out/…", "letter": "…"}'
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from provisioner.core.bundle import CONTENTS, LETTER, read_contents
from provisioner.errors import BackupFailed
from provisioner.files import sync_folder
from provisioner.node.report import run_job

PACKED = "packed"
MODE = 0o600
BLOCK = 2**20  # bytes


class _Written:
    """Writes a file and keeps the hash and the length of all that was written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.digest, self.length = file, hashlib.sha256(), 0

    def write(self, block: bytes) -> None:
        self._file.write(block)
        self.digest.update(block)
        self.length += len(block)


def pack(wish: Mapping[str, Any]) -> dict[str, Any]:
    """Hash and length of the bundle, which is there whole or not at all. Raises BackupFailed.

    Each file goes once it is in the bundle, so that both never need room at once.
    """
    part, target = Path(wish["part"]), Path(wish["file"])
    try:
        with (part / PACKED).open("wb") as file:
            (part / PACKED).chmod(MODE)
            written = _Written(file)
            _fill(written, part, str(wish["letter"]).encode())
            file.flush()
            os.fsync(file.fileno())
        (part / PACKED).rename(target)
        sync_folder(target.parent)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise BackupFailed(repr(error), reason="there is not enough room for it") from error
    return {"sha256": written.digest.hexdigest(), "bytes": written.length}


def _fill(written: _Written, part: Path, letter: bytes) -> None:
    """A tar of plain files (POSIX ustar)."""
    listed = (part / CONTENTS).read_bytes()
    for name, content in ((LETTER, letter), (CONTENTS, listed)):
        _add(written, name, len(content), io.BytesIO(content))
    for name, (size, digest) in sorted(read_contents(listed).items()):
        with (part / name).open("rb") as file:
            if _add(written, name, size, file) != digest:
                raise BackupFailed(name, reason="what was written could not be read back whole")
        (part / name).unlink()
    written.write(bytes(2 * tarfile.BLOCKSIZE))


def _add(written: _Written, name: str, size: int, file: IO[bytes]) -> str:
    """SHA-256 of what went in. The same for everybody: no owner and no time."""
    told = tarfile.TarInfo(name)
    told.size, told.mode = size, MODE
    written.write(told.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict"))
    digest, left = hashlib.sha256(), size
    while left and (block := file.read(min(left, BLOCK))):
        written.write(block)
        digest.update(block)
        left -= len(block)
    written.write(bytes(left + -size % tarfile.BLOCKSIZE))  # a file that is too short fits nothing
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(run_job("pack", pack))
