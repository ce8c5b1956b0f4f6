"""`bench measure`: a full measurement beside `sha256sum` over the same files, both warm."""

from __future__ import annotations

import os
import statistics
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from provisioner.agent.hashes import Recall
from provisioner.agent.walk import Walk
from provisioner.core.appraisal.tree import Comparison
from provisioner.engine.benchmarks.tree import MEGABYTES, make_tree, time_work
from provisioner.models.manifest import find_lines


def bench_measure(rounds: int = 7) -> dict[str, Any]:
    """Makes a tree like an image's, measures it in turns, and removes it.

    Medians of the rounds; `ratio` is ours to `sha256sum`'s and should be at most 1.3.
    """
    with TemporaryDirectory() as name, ThreadPoolExecutor(os.cpu_count() or 1) as helpers:
        root = Path(name) / "root"
        paths = make_tree(root)
        listed = Path(name) / "paths"
        listed.write_bytes(b"\0".join(os.fsencode(path) for path in paths))
        manifest = b"".join(line for _, line in _walk(root, helpers))
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(rounds):
            theirs.append(time_work(lambda: _sum(listed)))
            ours.append(time_work(lambda: _measure(root, helpers, manifest)))
    seconds, beside = statistics.median(ours), statistics.median(theirs)
    return {
        "seconds": round(seconds, 3),
        "sha256sum_seconds": round(beside, 3),
        "ratio": round(seconds / beside, 3),
        "files": len(paths),
        "megabytes": MEGABYTES,
        "compared": "one walk that hashes and compares every file, beside sha256sum of the files",
    }


def _walk(root: Path, helpers: ThreadPoolExecutor) -> list[tuple[str, bytes]]:
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return list(Walk({}, helpers).lines(folder))
    finally:
        os.close(folder)


def _measure(root: Path, helpers: ThreadPoolExecutor, manifest: bytes) -> None:
    """As the agent does when it reads every byte; it remembers them for the next time."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        recall = Recall(os.fstat(folder).st_dev, settled_seconds=0)
        comparison = Comparison()
        comparison.run(Walk({}, helpers, recall).lines(folder), find_lines(manifest))
    finally:
        os.close(folder)
    if comparison.changed or comparison.missing:
        raise AssertionError("the tree changed while it was measured")


def _sum(listed: Path) -> None:
    command = ["xargs", "-0", "-a", str(listed), "sha256sum"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
