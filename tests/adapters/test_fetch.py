"""Fetching from real servers: honest ones, slow ones, endless ones and none at all."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from provisioner.adapters.fetch import Fetch
from provisioner.errors import Unavailable

PATH = "/.well-known/taarafo/evidence.dsse"
Talk = Callable[[socket.socket, bytes], None]


@contextmanager
def serving(listener: socket.socket, talk: Talk) -> Iterator[list[bytes]]:
    """Answers one connection with `talk`; yields what was asked."""
    asked: list[bytes] = []

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            asked.append(connection.recv(65536))
            try:
                talk(connection, asked[0])
            except OSError:
                return

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    with listener:
        yield asked
        thread.join(5)


def local() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def say(text: str, body: bytes = b"") -> Talk:
    head = f"HTTP/1.1 {text}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return lambda connection, _: connection.sendall(head + body)


def test_a_localhost_name_is_this_machine() -> None:
    listener = local()
    address = f"no-such-name.localhost:{listener.getsockname()[1]}"
    with serving(listener, say("200 OK", b"\x00evidence")) as asked:
        assert Fetch()(address, PATH) == b"\x00evidence"
    assert asked[0].startswith(f"GET {PATH} HTTP/1.1\r\n".encode())
    assert f"Host: {address}\r\n".encode() in asked[0]


def test_the_gateway_is_asked_by_name(tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "edge.sock"))
    listener.listen()
    with serving(listener, say("200 OK", b"x")) as asked:
        assert Fetch(gateway=tmp_path / "edge.sock")("smith.example", PATH) == b"x"
    assert b"Host: smith.example\r\n" in asked[0]


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oops", "204 No Content",
                                    "302 Found\r\nLocation: http://other.example/"])  # fmt: skip
def test_any_other_answer_is_nothing(status: str) -> None:
    listener = local()
    with serving(listener, say(status, b"")):
        assert Fetch()(f"localhost:{listener.getsockname()[1]}", PATH) is None


def endless(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65536)


def trickle_body(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _number in range(200):
        connection.sendall(b"x")
        time.sleep(0.02)


def trickle_head(connection: socket.socket, _: bytes) -> None:
    for byte in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 40:
        connection.sendall(bytes([byte]))
        time.sleep(0.02)


def cut_short(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")


def nonsense(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH\r\n")


def silent(connection: socket.socket, _: bytes) -> None:
    time.sleep(1.5)


@pytest.mark.parametrize("talk", [endless, trickle_body, trickle_head, cut_short, nonsense, silent])
def test_a_server_that_does_not_answer_well_is_unavailable_in_time(talk: Talk) -> None:
    listener = local()
    begun = time.monotonic()
    with serving(listener, talk), pytest.raises(Unavailable):
        Fetch(deadline_seconds=0.5)(f"localhost:{listener.getsockname()[1]}", PATH)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("address", ["localhost:1", "", "a\r\nb.localhost:80", "x.localhost:99999",
                                     "x.localhost:y"])  # fmt: skip
def test_nobody_there_is_unavailable(address: str) -> None:
    with pytest.raises(Unavailable):
        Fetch(deadline_seconds=1)(address, PATH)


def test_no_gateway_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        Fetch(gateway=tmp_path / "edge.sock")("smith.example", PATH)
