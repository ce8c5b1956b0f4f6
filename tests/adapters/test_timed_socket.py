"""One deadline for all addresses of a name together."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from provisioner.adapters.timed_socket import connect


@pytest.fixture
def full() -> Iterator[int]:
    """A port at which nobody takes another connection: its queue is full, as behind a firewall."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        yield port
        for each in waiting:
            each.close()


def name_with(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    rows = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", each) for each in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: rows)


def test_many_silent_addresses_take_no_longer_than_one(full, monkeypatch) -> None:
    name_with(monkeypatch, *[("127.0.0.1", full)] * 8)
    began = time.monotonic()
    with pytest.raises(OSError, match="timed out"):
        connect("many.example", 1, time.monotonic() + 1)
    assert time.monotonic() - began < 2


def test_one_that_answers_behind_silent_ones_is_found(full, monkeypatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        name_with(monkeypatch, ("127.0.0.1", full), address)
        with connect("two.example", 1, time.monotonic() + 2) as found:
            assert found.getpeername() == address


def test_a_name_without_addresses_is_refused(monkeypatch) -> None:
    name_with(monkeypatch)
    with pytest.raises(OSError, match="no address"):
        connect("none.example", 1, time.monotonic() + 1)
