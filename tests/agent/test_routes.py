"""Whether a network leads anywhere, asked of real network namespaces (unshare(1))."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from provisioner.agent.processes import Vanished, open_process
from provisioner.agent.routes import count_ways_out

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root makes networks")
LINK = (
    "ip link add d0 type veth peer name d1 && ip link set d0 up && ip link set d1 up"
    " && ip addr add 10.9.8.7/24 dev d0"
)
NEWER = ("ip -6 addr add fd00::7/64 dev d0 nodad", "ip -6 route add default via fd00::1 dev d0")


@contextmanager
def network(*commands: str) -> Iterator[int]:
    """The open folder in /proc of a process that is alone in a network."""
    script = " && ".join(["ip link set lo up", *commands, "echo ready", "exec cat"])
    command = ["unshare", "--net", "sh", "-c", script]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        with open_process(Path("/proc"), process.pid) as folder:
            yield folder
        process.terminate()


@pytest.mark.parametrize(
    ("commands", "ways"),
    [
        ((), 0),
        ((LINK,), 0),
        ((LINK, "ip route add default via 10.9.8.1"), 1),
        ((LINK, "ip route add default dev d0"), 1),
        ((LINK, "ip route add 10.0.0.0/8 via 10.9.8.1"), 0),
        ((LINK, *NEWER), 1),
    ],
    ids=["alone", "with neighbours", "a gateway", "a line", "a part", "the newer kind"],
)  # fmt: skip
def test_ways_out_are_default_routes(commands: tuple[str, ...], ways: int) -> None:
    with network(*commands) as first:
        assert count_ways_out(first) == ways


def test_a_process_that_is_gone_has_none() -> None:
    with network() as first:
        pass
    with pytest.raises(Vanished):
        count_ways_out(first)
