"""A tree of files like an image's, for benchmarks, and how long something takes on it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

FILES, MEGABYTES, FOLDERS = 5000, 150, 400
_LARGE_SHARE = 50  # one file in fifty is large, as in an image with programs and libraries


def make_tree(root: Path) -> list[Path]:
    """5,000 files of 150 MB: most are small, one in fifty holds most of the bytes."""
    chance = random.Random(1)  # noqa: S311 - the same tree every time
    large_count = FILES // _LARGE_SHARE
    small = 4000
    large = (MEGABYTES * 1_000_000 - small * (FILES - large_count)) // large_count
    paths = []
    for number in range(FILES):
        path = root / f"usr/lib/part{number % FOLDERS:03}" / f"file{number:05}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(large if number % _LARGE_SHARE == 0 else small))
        paths.append(path)
    return paths


def time_work(work: Callable[[], object]) -> float:
    """Seconds by the wall."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
