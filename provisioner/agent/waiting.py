"""Leaves out a version that is ready beside the one that serves, and still waits for its turn.

An upgrade starts it early and ends the old one before its turn comes (docs/recipes.md, “Taking
turns”). A report is about what serves: each is in it from the moment that it runs alone.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from provisioner.agent.containers import Running
from provisioner.agent.measure_tree import open_root
from provisioner.agent.processes import Vanished, open_first
from provisioner.core.turn import WAITING

DOOR = "run/edge"


def leave_out_waiting(proc: Path, containers: Sequence[Running]) -> list[Running]:
    """In the same order. One that is alone in its place always stays."""
    together = Counter(map(_place_of, containers))
    pairs = [each for each in containers if together[_place_of(each)] > 1]
    waiting = [each for each in pairs if _waits(proc, each)]
    alone = {_place_of(each) for each in containers if each not in waiting}
    return [each for each in containers if each not in waiting or _place_of(each) not in alone]


def _place_of(container: Running) -> tuple[str, str]:
    return container.host, container.labels.get("org.taarafo.service", "")


def _waits(proc: Path, container: Running) -> bool:
    with (
        suppress(Vanished, OSError),
        open_first(proc, container.pid, container.id) as first,
        open_root(first) as root,
    ):
        return any(_is_there(f"{DOOR}/{name}", root) for name in WAITING)
    return False


def _is_there(path: str, root: int) -> bool:
    with suppress(FileNotFoundError):
        os.stat(path, dir_fd=root, follow_symlinks=False)
        return True
    return False
