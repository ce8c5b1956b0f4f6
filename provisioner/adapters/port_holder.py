"""Name the program that listens on a port, from /proc alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from provisioner.models.machine import PortHolder

PROC = Path("/proc")
LISTENING = "0A"  # TCP_LISTEN of the kernel's tcp_states.h
UNSEEN = "a program that we cannot see from here"


def find_port_holder(port: int) -> PortHolder | None:
    """The program that listens on this TCP port on any address; None when the port is free."""
    sockets = set(find_listening_sockets(port))
    if not sockets:
        return None
    pid = find_owner(sockets)
    return PortHolder(UNSEEN, 0) if pid is None else PortHolder(read_name(pid), pid)


def find_listening_sockets(port: int) -> Iterator[str]:
    """The inode of each listening socket, as its file descriptor's link spells it."""
    for table in ("tcp", "tcp6"):
        path = PROC / "net" / table
        for line in path.read_text().splitlines()[1:] if path.exists() else ():
            fields = line.split()
            if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                yield f"socket:[{fields[9]}]"


def find_owner(sockets: set[str]) -> int | None:
    """The oldest process that has one of the sockets open, for those we may look into."""
    owners = (int(p.name) for p in PROC.glob("[0-9]*") if not sockets.isdisjoint(read_links(p)))
    return min(owners, default=None)


def read_links(process: Path) -> Iterator[str]:
    """Where its file descriptors lead; one that is closed meanwhile is left out."""
    try:
        descriptors = list((process / "fd").iterdir())
    except OSError:
        return
    for descriptor in descriptors:
        try:
            yield str(descriptor.readlink())
        except OSError:
            continue


def read_name(pid: int) -> str:
    """The name that `ps` shows."""
    try:
        return (PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return UNSEEN
