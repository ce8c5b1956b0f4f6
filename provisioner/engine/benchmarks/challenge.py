"""How long the answer to a challenge takes, when nothing has changed and when all is read again."""

from __future__ import annotations

import os
import statistics
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioner.agent.measure_tree import measure_tree
from provisioner.agent.memory import Memory
from provisioner.agent.question import read_question
from provisioner.agent.reference import Claim
from provisioner.agent.walk import Walk
from provisioner.core.appraisal.contract import Contract
from provisioner.core.appraisal.dsse import seal
from provisioner.engine.benchmarks.tree import FILES, MEGABYTES, make_tree, time_work
from provisioner.models.evidence import (
    PAYLOAD_TYPE,
    ContainerSeen,
    Evidence,
    Tree,
    write_moment,
)

_SEEN = ContainerSeen(
    service="app",
    container="c" * 64,
    image="app@sha256:" + "d" * 64,
    image_id="sha256:" + "d" * 64,
    command_sha256="e" * 64,
    started="",
    tree=Tree("", "", 0),
    mounts=(),
    processes=(),
    capabilities="0" * 16,
    seccomp=2,
    no_new_privileges=True,
    read_only_root=True,
    environment={},
)
_CHANGES, _EVERYTHING = (
    b'{"nonce": "%b", "full": %b}' % (b"n" * 32, full) for full in (b"false", b"true")
)


def bench_challenge(rounds: int = 7) -> dict[str, Any]:
    """Makes a tree like an image's, asks about it in turns, and removes it.

    Medians of the rounds, in seconds; the first should be at most 0.5.
    """
    with TemporaryDirectory() as name, ThreadPoolExecutor(os.cpu_count() or 1) as helpers:
        make_tree(Path(name))
        place = _Place(Path(name), helpers)
        place.learn()
        place.answer(_EVERYTHING)
        quick, full = [], []
        for _ in range(rounds):
            quick.append(time_work(lambda: place.answer(_CHANGES)))
            full.append(time_work(lambda: place.answer(_EVERYTHING)))
    return {
        "challenge_seconds": round(statistics.median(quick), 3),
        "full_challenge_seconds": round(statistics.median(full), 3),
        "files": FILES,
        "megabytes": MEGABYTES,
        "compared": (
            "from the question to the signed answer: one walk that looks at every file and reads "
            "what changed (nothing), and one that reads every byte; without network and processes"
        ),
    }


@dataclass
class _Place:
    """A tree that stands in for a container's. It was made just now, so it counts as settled."""

    root: Path
    helpers: ThreadPoolExecutor
    memory: Memory = field(default_factory=lambda: Memory(settled_seconds=0))
    manifest: bytes = b""
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def learn(self) -> None:
        """What is there now is what the release lists."""
        folder = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self.manifest = b"".join(line for _, line in Walk({}, self.helpers).lines(folder))
        finally:
            os.close(folder)

    def answer(self, raw: bytes) -> bytes:
        question = read_question(raw)
        issued = datetime.now(UTC)
        tree = self._measure(issued, is_full=question.full)
        if tree.changed or tree.missing or tree.unlisted or tree.count < FILES:
            raise AssertionError("the tree changed while it was measured")
        seen = replace(_SEEN, tree=tree)
        moment = write_moment(issued)
        evidence = Evidence("c", "a", "h", "r", moment, moment, (seen,), question.nonce)
        return seal(PAYLOAD_TYPE, evidence.statement(), self.key)

    def _measure(self, now: datetime, *, is_full: bool) -> Tree:
        self.memory.begin(now, is_full=is_full)
        folder = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            recall = self.memory.recall(os.fstat(folder).st_dev)
            walk, claim = Walk({}, self.helpers, recall), Claim(Contract(), self.manifest)
            tree = measure_tree(folder, walk, claim, self.memory.full_pass)
        finally:
            os.close(folder)
        self.memory.files = recall.kept
        return tree
