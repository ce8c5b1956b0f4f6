"""Finds out which processes belong to a container, and which of them came in from outside."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, TypeVar

from provisioner.agent.processes import (
    Vanished,
    open_process,
    read_at_once,
    read_link,
    read_small,
    read_status,
)

T = TypeVar("T")


class Visitor(NamedTuple):
    """A process that came in from outside. Its start, in ticks since boot, makes it unique."""

    pid: int
    started: int


@dataclass(frozen=True)
class Members:
    """The processes of one container at one moment, and what they are known by."""

    proc: Path
    first: int
    container: str
    home: str
    spaces: frozenset[str]
    pids: tuple[int, ...] = ()

    def has(self, pid: int) -> bool:
        """By its namespaces, or by its control group: it may have left all of its namespaces."""
        folder = f"{self.proc}/{pid}"
        with suppress(OSError):
            kinds = ("mnt", "pid")
            if self.spaces & {os.readlink(f"{folder}/ns/{k}") for k in kinds}:  # noqa: PTH115
                return True
        with suppress(OSError):  # one that ends has lost its namespaces, but not its group
            return self.container.encode("ascii") in read_at_once(f"{folder}/cgroup")
        return False

    def visit(self, read: Callable[[int], T]) -> Iterator[tuple[T, Visitor | None]]:
        """What `read` says of each process; with the visitor that it is, when it is one."""
        for pid in self.pids:
            with suppress(Vanished), open_process(self.proc, pid) as process:
                came_in = self._came_in(process, pid)
                yield read(process), _identify(process, pid) if came_in else None

    def _came_in(self, process: int, pid: int) -> bool:
        """Whether nobody inside started it, or it lives in another mount namespace.

        A parent that began after the members were listed, or that is just ending, is asked for
        again: visitors are remembered, so nobody may become one by accident. Raises Vanished.
        """
        space = read_link(process, "ns/mnt")
        if not space:
            raise Vanished(str(pid))
        if pid == self.first or space != self.home:
            return space != self.home
        before, parent = -1, read_status(process).parent
        while parent != before:
            if parent in self.pids or self.has(parent):
                return False
            before, parent = parent, read_status(process).parent
        return True


def find_members(proc: Path, first: int, container: str) -> Members:
    """All processes that are in the container now. Raises Vanished."""
    known = _recognize(proc, first, container)
    pids = sorted(int(each.name) for each in proc.iterdir() if each.name.isdigit())
    return replace(known, pids=tuple(pid for pid in pids if known.has(pid)))


def find_keeper(proc: Path, first: int) -> int:
    """The engine's keeper of a container: the first process's own parent. Raises Vanished."""
    with open_process(proc, first) as process:
        return read_status(process).parent


def find_adopted(proc: Path, first: int, container: str, keeper: int) -> set[Visitor]:
    """Visitors among the keeper's children, in three system calls when there are none.

    The keeper inherits whatever the engine starts in its container, after `docker exec` too.
    A kernel that does not list children shows nothing here. Raises Vanished.
    """
    try:
        listed = read_at_once(f"{proc}/{keeper}/task/{keeper}/children").split()
    except OSError:
        return set()
    others = [pid for pid in map(int, listed) if pid != first]
    if not others:
        return set()
    known = _recognize(proc, first, container)
    return {visitor for pid in others for visitor in _find_visitor(known, pid)}


def _recognize(proc: Path, first: int, container: str) -> Members:
    with open_process(proc, first) as process:
        home, numbers = read_link(process, "ns/mnt"), read_link(process, "ns/pid")
    if not home:
        raise Vanished(container)
    return Members(proc, first, container, home, frozenset({home, numbers} - {""}))


def _find_visitor(known: Members, pid: int) -> Iterator[Visitor]:
    with suppress(Vanished), open_process(known.proc, pid) as process:
        if known.has(pid):
            yield _identify(process, pid)


def _identify(process: int, pid: int) -> Visitor:
    """proc_pid_stat(5): the start is the 22nd field, counted behind a name of any letters."""
    fields = read_small(process, "stat").rpartition(b")")[2].split()
    return Visitor(pid, int(fields[19]))
