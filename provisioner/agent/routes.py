"""Whether the network that a container is in leads anywhere else."""

from __future__ import annotations

from provisioner.agent.processes import read_small

_IPV4_ANYWHERE = "00000000"
_IPV6_ANYWHERE = ("0" * 32, "00")
_LOOPBACK = "lo"


def count_ways_out(first: int) -> int:
    """Default routes, IPv4 and IPv6, of the process whose folder in /proc is open as `first`.

    proc_pid_net(5): `route` has columns under a title, `ipv6_route` has none. A route of the
    loopback is none: the kernel has one there that refuses everything. Raises Vanished.
    """
    old = [line.split() for line in _read(first, "net/route")[1:]]
    new = [line.split() for line in _read(first, "net/ipv6_route")]
    return sum(
        row[1] == row[7] == _IPV4_ANYWHERE and row[0] != _LOOPBACK for row in old if len(row) > 7
    ) + sum((row[0], row[1]) == _IPV6_ANYWHERE and row[-1] != _LOOPBACK for row in new if row)


def _read(first: int, name: str) -> list[str]:
    return read_small(first, name).decode("ascii", "replace").splitlines()
