"""Files that a crash never leaves half written, and folders that one process holds alone."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from provisioner.errors import NotEnoughRoom, Unavailable

UNFINISHED = ".new"
MEGABYTE = 1024 * 1024


def write_atomically(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Put `content` at `path`, on the disk and all at once. Missing folders are made.

    Raises NotEnoughRoom on a full disk; what was at `path` before is still there then.
    """
    try:
        _write_beside_and_rename(path, content, mode)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        free = shutil.disk_usage(path.parent).free
        needed = len(content) // MEGABYTE + 1
        raise NotEnoughRoom(str(path), free_mb=free // MEGABYTE, needed_mb=needed) from error


def _write_beside_and_rename(path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=UNFINISHED, dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            os.fchmod(number, mode)
            file.write(content)
            file.flush()
            os.fsync(number)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames inside a folder last through a power cut."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def remove_unfinished(folder: Path) -> None:
    """Remove what a killed writer left behind. Only for the holder of the folder's lock."""
    for path in folder.rglob(f".*{UNFINISHED}"):
        path.unlink(missing_ok=True)


@contextmanager
def locked(folder: Path, *, part: str, seconds: float = 10.0) -> Iterator[None]:
    """Hold a folder alone, across processes. Raises Unavailable when it stays taken, also by those
    who `share` it.

    The lock is on the folder itself, so it needs no file and works through bind mounts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _wait_for_lock(number, folder, part, time.monotonic() + seconds)
        yield
    finally:
        os.close(number)


def share(folder: Path) -> int | None:
    """Hold a folder together with others until this process ends, or the returned file is closed;
    None when somebody holds it alone. Raises OSError where there is no such folder to be read."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(number, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(number)
        return None
    return number


def _wait_for_lock(number: int, folder: Path, part: str, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise Unavailable(f"{folder} is locked", part=part) from None
            time.sleep(0.01)
        else:
            return
