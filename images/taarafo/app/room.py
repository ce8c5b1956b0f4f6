"""How much room the disk has, and the part of it that photos may not use up."""

from __future__ import annotations

import errno
import os
from pathlib import Path

MB = 1024 * 1024
FULL = (errno.ENOSPC, errno.EDQUOT)


def free_bytes(folder: Path) -> int:
    stat = os.statvfs(folder)
    return stat.f_bavail * stat.f_frsize


def has_room(folder: Path, reserve_mb: int) -> bool:
    """Whether photos may still be taken in."""
    return free_bytes(folder) > reserve_mb * MB
