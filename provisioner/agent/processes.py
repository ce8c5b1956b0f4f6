"""Reads the host's process table, one process at a time.

Everything is read relative to an open `/proc/<pid>` folder. That descriptor stays with the
process it was opened for: when the number is used again, reads fail instead of lying.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from provisioner.agent.mountinfo import read_mountinfo

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@dataclass(frozen=True)
class Status:
    """The lines of /proc/<pid>/status that matter here."""

    parent: int
    users: frozenset[int]  # real, effective, saved and of the file system
    groups: frozenset[int]  # the same of groups, and the supplementary ones
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
        frozenset(int(group) for name in ("Gid", "Groups") for group in rows[name].split()),
        together,
        int(rows.get("Seccomp", "0")),
        rows.get("NoNewPrivs", "0") == "1",
    )


def read_at_once(path: str) -> bytes:
    """The whole of a file in /proc that a single read gives. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, 1 << 16)
    finally:
        os.close(fd)


def read_link(process: int, name: str) -> str:
    """Where a link in the process's folder leads; empty when it has ended."""
    try:
        return os.readlink(name, dir_fd=process)
    except OSError:
        return ""
