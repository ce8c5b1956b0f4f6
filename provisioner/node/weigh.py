"""Count what communities take of the disk, without reading any file, and tell their apps how much
they may have.

python3 -m provisioner.node.weigh '{"<community id>": ["<host>", <MB that it may have>], …}'
"""

from __future__ import annotations

import logging
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioner.core.quotas import Weight
from provisioner.core.weighing import BACKUPS, COMMUNITIES, EDGE
from provisioner.files import UNFINISHED
from provisioner.node.doors import QUOTA, SLOTS
from provisioner.node.report import run_job

log = logging.getLogger(__name__)
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
Seen = set[tuple[int, int]]


@dataclass(frozen=True)
class Folders:
    """Where the job finds what it looks at; `core/weighing.py` mounts it there."""

    communities: Path = Path(COMMUNITIES)
    backups: Path = Path(BACKUPS)
    edge: Path = Path(EDGE)


def weigh(wish: Mapping[str, Any], folders: Folders | None = None) -> dict[str, Any]:
    """`weights` by community: bytes of data, kept and backups, and the limit that was told."""
    inside = folders or Folders()
    weights = {}
    for community_id, (host, quota_mb) in wish.items():
        found = weigh_one(inside, community_id)
        told = tell_quota(inside.edge / str(host), int(quota_mb))
        weights[community_id] = [found.data, found.kept, found.backups, told]
    return {"weights": weights}


def weigh_one(folders: Folders, community_id: str) -> Weight:
    """A file that has several names counts once, as data if one of them is there."""
    home, seen = folders.communities / community_id, Seen()
    data = sum(_list_sizes(home / "data", seen))
    kept = sum(_list_sizes(home, seen, left_out="data"))
    return Weight(data, kept, sum(_list_sizes(folders.backups / community_id, seen)))


def tell_quota(door: Path, quota_mb: int) -> int | None:
    """Write it where the app reads it; returns what was told, or None when that did not work.

    The folder belongs to the app's user: nothing that is put there is followed or written to.
    """
    slots = [door / slot for slot in SLOTS if (door / slot).is_dir()] or [door]
    try:
        for folder in slots:
            _write(folder, quota_mb)
    except FileNotFoundError:  # it has no door: nothing runs there
        return quota_mb
    except OSError:
        log.exception("the limit of %s could not be told", door.name)
        return None
    return quota_mb


def _list_sizes(folder: Path, seen: Seen, left_out: str = "") -> Iterator[int]:
    """Of regular files, at whatever depth; links are not followed. What went away meanwhile, or
    lies too deep for a name, is left out."""
    waiting = [folder]
    while waiting:
        looked_at = waiting.pop()
        for entry in _list_entries(looked_at):
            if looked_at == folder and entry.name == left_out:
                continue
            with suppress(OSError):
                told = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(told.st_mode):
                    waiting.append(looked_at / entry.name)
                elif stat.S_ISREG(told.st_mode) and _is_new(told, seen):
                    yield told.st_size


def _list_entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []


def _is_new(told: os.stat_result, seen: Seen) -> bool:
    """Whether no other name of the same file was met. Only of those with several is kept a note."""
    if told.st_nlink == 1:
        return True
    number = (told.st_dev, told.st_ino)
    if number in seen:
        return False
    seen.add(number)
    return True


def _write(folder: Path, quota_mb: int) -> None:
    """All at once; no limit is no file."""
    inside = os.open(folder, FOLDER)
    fresh = f".{QUOTA}{UNFINISHED}"
    try:
        with suppress(FileNotFoundError):
            os.unlink(fresh, dir_fd=inside)
        if not quota_mb:
            with suppress(FileNotFoundError):
                os.unlink(QUOTA, dir_fd=inside)
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        number = os.open(fresh, flags, 0o644, dir_fd=inside)
        with os.fdopen(number, "wb") as file:
            os.fchmod(number, 0o644)
            file.write(b"%d\n" % quota_mb)
        os.rename(fresh, QUOTA, src_dir_fd=inside, dst_dir_fd=inside)
    finally:
        os.close(inside)


if __name__ == "__main__":
    sys.exit(run_job("weigh", weigh))
