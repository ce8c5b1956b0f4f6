"""Reads the host's process table: who belongs to a container, what runs, with which rights.

Everything is read relative to an open `/proc/<pid>` folder. That descriptor stays with the
process it was opened for: when the number is used again, reads fail instead of lying.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from provisioner.agent.hash_file import FLAGS, hash_open_file
from provisioner.agent.mountinfo import read_mountinfo
from provisioner.models.evidence import UNREADABLE, ProcessSeen

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_PROGRAM_LIMIT = 1 << 30
T = TypeVar("T")


@dataclass(frozen=True)
class Status:
    """The lines of /proc/<pid>/status that matter here."""

    parent: int
    users: frozenset[int]  # real, effective, saved and of the file system
    capabilities: int
    seccomp: int
    no_new_privileges: bool


class Vanished(Exception):
    """The process or container ended while it was measured."""


@contextmanager
def open_process(proc: Path, pid: int) -> Iterator[int]:
    """A descriptor of the process's folder. Raises Vanished."""
    try:
        fd = os.open(proc / str(pid), _FOLDER)
    except OSError as error:
        raise Vanished(str(pid)) from error
    try:
        yield fd
    finally:
        os.close(fd)


def read_small(process: int, name: str) -> bytes:
    """The whole of a small /proc file. Raises Vanished."""
    try:
        fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=process)
    except OSError as error:
        raise Vanished(name) from error
    try:
        with open(fd, "rb", closefd=False) as file:
            return file.read(4 << 20)
    except OSError as error:
        raise Vanished(name) from error
    finally:
        os.close(fd)


@contextmanager
def open_first(proc: Path, pid: int, container: str) -> Iterator[int]:
    """The folder of a container's first process. Raises Vanished.

    Also when the number is another process's by now: then no control group of it bears the
    container's id. The agent sees its own group without a name, but knows the engine's mount.
    """
    with open_process(proc, pid) as process:
        if container.encode("ascii") not in read_small(process, "cgroup") and not any(
            mount.path == "/etc/hosts" and mount.source.endswith(f"/{container}/hosts")
            for mount in read_mountinfo(read_small(process, "mountinfo"))
        ):
            raise Vanished(container)
        yield process


def read_status(process: int) -> Status:
    """Raises Vanished."""
    rows = dict(
        line.split(":\t", 1)
        for line in read_small(process, "status").decode("ascii", "replace").split("\n")
        if ":\t" in line
    )
    sets = [int(rows[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")]
    together = 0
    for each in sets:
        together |= each
    return Status(
        int(rows["PPid"]),
        frozenset(int(user) for user in rows["Uid"].split()),
        together,
        int(rows.get("Seccomp", "0")),
        rows.get("NoNewPrivs", "0") == "1",
    )


def find_members(proc: Path, first: int, container: str) -> list[int]:
    """Process numbers in the container: by control group, or by its namespaces."""
    with open_process(proc, first) as process:
        spaces = {_link(process, "ns/pid"), _link(process, "ns/mnt")} - {""}
    return [pid for pid in _pids(proc) if _is_member(proc, pid, container, spaces)]


def read_processes(proc: Path, first: int, members: list[int]) -> tuple[ProcessSeen, ...]:
    """What these processes run. Those that ended meanwhile are not in it."""
    counts = Counter(
        (*program, is_entered) for program, is_entered in _visit(proc, first, members, _program)
    )
    return tuple(ProcessSeen(*what, count) for what, count in sorted(counts.items()))


def read_links(proc: Path, first: int, members: list[int]) -> list[tuple[str, bool]]:
    """The paths of their programs and whether they were entered, each once: quick to read."""
    return sorted(set(_visit(proc, first, members, lambda process: _link(process, "exe"))))


def _visit(
    proc: Path, first: int, members: list[int], read: Callable[[int], T]
) -> Iterator[tuple[T, bool]]:
    """What `read` says of each process, and whether it was entered (see ProcessSeen)."""
    with open_process(proc, first) as process:
        home = _link(process, "ns/mnt")
    inside = set(members)
    for pid in members:
        with suppress(Vanished), open_process(proc, pid) as process:
            is_child = pid == first or read_status(process).parent in inside
            yield read(process), not is_child or _link(process, "ns/mnt") != home


def _pids(proc: Path) -> list[int]:
    return sorted(int(each.name) for each in proc.iterdir() if each.name.isdigit())


def _is_member(proc: Path, pid: int, container: str, spaces: set[str]) -> bool:
    """The control group is asked too: a process may have left all of its namespaces."""
    folder = f"{proc}/{pid}"
    try:
        found = {os.readlink(f"{folder}/ns/{kind}") for kind in ("mnt", "pid")}  # noqa: PTH115
        return bool(found & spaces) or container.encode() in _read_at_once(f"{folder}/cgroup")
    except OSError:
        return False


def _read_at_once(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, 1 << 16)
    finally:
        os.close(fd)


def _program(process: int) -> tuple[str, str, str]:
    """(path, SHA-256 of the program that really runs, SHA-256 of its arguments)."""
    arguments = hashlib.sha256(read_small(process, "cmdline")).hexdigest()
    path = _link(process, "exe")
    if not path:
        raise Vanished("exe")
    try:
        # This link is the kernel's: it leads to the running program itself, also when its path
        # is gone or hidden. So it is followed on purpose.
        fd = os.open("exe", FLAGS & ~os.O_NOFOLLOW, dir_fd=process)
    except OSError:
        return path, UNREADABLE, arguments
    return path, hash_open_file(fd, _PROGRAM_LIMIT)[1], arguments


def _link(process: int, name: str) -> str:
    try:
        return os.readlink(name, dir_fd=process)
    except OSError:
        return ""
