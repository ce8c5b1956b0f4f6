"""`bench measure`: a full measurement beside `sha256sum` over the same files, both warm."""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from provisioner.agent.walk import Walk
from provisioner.core.appraisal.tree import Comparison
from provisioner.models.manifest import find_lines

FILES, MEGABYTES, FOLDERS = 5000, 150, 400
_LARGE_SHARE = 50  # one file in fifty is large, as in an image with programs and libraries


def bench_measure(rounds: int = 7) -> dict[str, Any]:
    """Makes a tree like an image's, measures it in turns, and removes it.

    Medians of the rounds; `ratio` is ours to `sha256sum`'s and should be at most 1.3.
    """
    with TemporaryDirectory() as name, ThreadPoolExecutor(os.cpu_count() or 1) as helpers:
        root = Path(name) / "root"
        paths = _make_tree(root)
        listed = Path(name) / "paths"
        listed.write_bytes(b"\0".join(os.fsencode(path) for path in paths))
        manifest = b"".join(line for _, line in _walk(root, helpers))
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(rounds):
            theirs.append(_time(lambda: _sum(listed)))
            ours.append(_time(lambda: _measure(root, helpers, manifest)))
    seconds, beside = statistics.median(ours), statistics.median(theirs)
    return {
        "seconds": round(seconds, 3),
        "sha256sum_seconds": round(beside, 3),
        "ratio": round(seconds / beside, 3),
        "files": len(paths),
        "megabytes": MEGABYTES,
        "compared": "one walk that hashes and compares every file, beside sha256sum of the files",
    }


def _make_tree(root: Path) -> list[Path]:
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


def _walk(root: Path, helpers: ThreadPoolExecutor) -> list[tuple[str, bytes]]:
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return list(Walk({}, helpers).lines(folder))
    finally:
        os.close(folder)


def _measure(root: Path, helpers: ThreadPoolExecutor, manifest: bytes) -> None:
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        comparison = Comparison()
        comparison.run(Walk({}, helpers).lines(folder), find_lines(manifest))
    finally:
        os.close(folder)
    if comparison.changed or comparison.missing:
        raise AssertionError("the tree changed while it was measured")


def _sum(listed: Path) -> None:
    command = ["xargs", "-0", "-a", str(listed), "sha256sum"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _time(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
