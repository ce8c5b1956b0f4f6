"""A taken port is named with the program that really holds it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from provisioner.adapters.port_holder import find_port_holder

LISTEN = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
server = socket.create_server((sys.argv[1], 0), family=family)
print(server.getsockname()[1], flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1"])  # noqa: S104
def test_program_and_its_number_are_named(address):
    with subprocess.Popen(
        [sys.executable, "-c", LISTEN, address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        port = int(program.stdout.readline())
        holder = find_port_holder(port)
        assert holder is not None
        assert holder.pid == program.pid
        assert holder.program.startswith("python")
        assert str(holder) == f"{holder.program} (process {program.pid})"
        program.stdin.close()
    assert find_port_holder(port) is None


def test_connection_without_a_listener_is_not_a_holder():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as visitor:
            own_port = visitor.getsockname()[1]
            assert find_port_holder(own_port) is None
            assert find_port_holder(port).pid == os.getpid()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_program_of_somebody_else_is_not_guessed():
    """Without root the port is seen as taken, but not by whom."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            port = server.getsockname()[1]
            server.close()
            os.setuid(65534)
            os.write(writer, str(find_port_holder(port)).encode())
            os._exit(0)
        os.waitpid(child, 0)
        os.close(writer)
    assert b"cannot see" in os.read(reader, 200)
