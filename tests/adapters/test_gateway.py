"""The edge asked through its socket: also when it answers before it has read the question."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager

import pytest

from provisioner.adapters.gateway import EdgeGateway
from provisioner.errors import Unavailable

NOBODY = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
LONG = b"x" * 4_000_000  # more than a socket takes in without a reader


@contextmanager
def edge(path, answer):
    """Reads the head of one request only, answers, and closes."""
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        door.listen()

        def serve():
            line, _ = door.accept()
            with line:
                seen = b""
                while b"\r\n\r\n" not in seen:
                    seen += line.recv(1000)
                line.sendall(answer)

        server = threading.Thread(target=serve)
        server.start()
        yield EdgeGateway(path)
        server.join(5)


def test_an_answer_that_comes_before_the_whole_question_was_read_counts(tmp_path):
    with edge(tmp_path / "e.sock", NOBODY) as gateway:
        assert gateway.post("nobody.localhost", "/x", LONG, {}) == (404, b"no")


def test_an_edge_that_closes_without_a_word_is_away(tmp_path):
    with edge(tmp_path / "e.sock", b"") as gateway, pytest.raises(Unavailable):
        gateway.post("nobody.localhost", "/x", LONG, {})


def test_an_edge_that_is_not_there_is_away(tmp_path):
    with pytest.raises(Unavailable):
        EdgeGateway(tmp_path / "nothing.sock").get_status("a.localhost", "/")
