"""This machine's clock and disk."""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime
from pathlib import Path


class SystemClock:
    """The port `Clock`."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class DiskRoom:
    """The port `Room`: free space where `folder`, or its nearest existing parent, lies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def free_mb(self) -> int:
        return shutil.disk_usage(self._find()).free // 2**20

    def total_mb(self) -> int:
        return shutil.disk_usage(self._find()).total // 2**20

    def free_memory_mb(self) -> int:
        lines = Path("/proc/meminfo").read_text().splitlines()
        told = dict(line.split(":", 1) for line in lines)
        return int(told["MemAvailable"].split()[0]) // 1024

    def _find(self) -> Path:
        folder = self._folder
        while not folder.exists():
            folder = folder.parent
        return folder
