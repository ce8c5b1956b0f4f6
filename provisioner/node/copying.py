"""Copy a folder as it is, on the disk before it is done; share what never changes."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

from provisioner.files import sync_folder


def copy_folder(source: Path, target: Path, shared: Collection[str] = ()) -> None:
    """A copy with owners, modes and times. `target` must not be there.

    `shared` are names of folders right inside `source` whose files are linked, not copied: both
    folders then have the very same files. Sockets and pipes hold nothing and are left out.
    """
    _copy_folder(source, target, source, frozenset(shared))


def measure_copy(source: Path, shared: Collection[str] = ()) -> int:
    """Bytes that `copy_folder` would write."""
    return sum(path.lstat().st_size for path in _list_copied(source, frozenset(shared)))


def mark_copied(source: Path, shared: Collection[str] = ()) -> dict[Path, tuple[int, int, int]]:
    """What another value of tells that somebody has written: inode, bytes and nanoseconds, by file
    that `copy_folder` would copy."""
    seen = ((path, path.lstat()) for path in _list_copied(source, frozenset(shared)))
    return {path: (found.st_ino, found.st_size, found.st_mtime_ns) for path, found in seen}


def _list_copied(source: Path, shared: frozenset[str]) -> Iterator[Path]:
    for each in source.iterdir():
        if each.is_dir() and not each.is_symlink():
            if each.name not in shared:
                yield from _list_copied(each, frozenset())
        else:
            yield each


def _copy_folder(source: Path, target: Path, top: Path, shared: frozenset[str]) -> None:
    target.mkdir()
    is_shared = source != top and source.relative_to(top).parts[0] in shared
    for each in sorted(source.iterdir()):
        found, copy = each.lstat(), target / each.name
        if stat.S_ISDIR(found.st_mode):
            _copy_folder(each, copy, top, shared)
        elif stat.S_ISREG(found.st_mode):
            if is_shared:
                os.link(each, copy)
            else:
                _copy_file(each, copy, found)
        elif stat.S_ISLNK(found.st_mode):
            copy.symlink_to(each.readlink())
            _dress(copy, found, is_link=True)
    _dress(target, source.lstat())
    sync_folder(target)


def _copy_file(source: Path, target: Path, found: os.stat_result) -> None:
    shutil.copyfile(source, target)
    _dress(target, found)
    number = os.open(target, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _dress(target: Path, found: os.stat_result, *, is_link: bool = False) -> None:
    """A link has no mode of its own."""
    os.chown(target, found.st_uid, found.st_gid, follow_symlinks=False)
    if not is_link:
        target.chmod(stat.S_IMODE(found.st_mode))
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns), follow_symlinks=False)
