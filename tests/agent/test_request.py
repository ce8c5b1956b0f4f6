"""Requests at the agent's door: whole, small and of one meaning, or refused in time."""

from __future__ import annotations

import socket
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.agent import request
from provisioner.agent.question import read_question
from provisioner.agent.request import Head, TooLarge, read_head, receive

HEAD = b"POST /x HTTP/1.1\r\nHost: smith.localhost:8080\r\nContent-Length: 5"


def send(*pieces: bytes, ends: bool = True, pause: float = 0.0) -> tuple[Head, bytes]:
    mine, theirs = socket.socketpair()
    with mine, theirs:

        def speak() -> None:
            for piece in pieces:
                mine.sendall(piece)
                time.sleep(pause)
            if ends:
                mine.shutdown(socket.SHUT_WR)

        speaking = threading.Thread(target=speak)
        speaking.start()
        try:
            return receive(theirs)
        finally:
            speaking.join()


def test_a_request_is_read() -> None:
    wanted = Head("POST", "/x", "smith.localhost", 5), b"hello"
    assert send(HEAD + b"\r\n\r\nhello") == wanted
    assert send(HEAD + b"\r\n\r\nhello and more") == wanted
    assert send(*(bytes([byte]) for byte in HEAD + b"\r\n\r\nhello")) == wanted
    assert send(HEAD + b"\r\n\r\nhello", ends=False) == wanted


@pytest.mark.parametrize(
    "raw",
    [b"", b"\r\n\r\n", HEAD, HEAD + b"\r\n\r\nhell", b"GET /\r\n\r\n", b"\x16\x03\x01" * 30],
)
def test_what_is_cut_short_or_something_else_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        send(raw)


@pytest.mark.parametrize(
    "line",
    [
        b"Host: other.localhost", b"Content-Length: 6", b"content-length: 5",
        b"Transfer-Encoding: chunked", b" folded", b"No colon", b"Bad name: x", b": x",
        b"A: b\nContent-Length: 9", b"A: b\rHost: x",
    ],
)  # fmt: skip
def test_a_request_that_could_be_read_in_two_ways_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_head(HEAD + b"\r\n" + line)


@pytest.mark.parametrize(
    "lines",
    [
        b"POST /x HTTP/1.1\r\nContent-Length: 5",
        b"POST /x HTTP/1.1\r\nHost: ../etc\r\nContent-Length: 5",
        b"POST /x HTTP/1.1\r\nHost: SMITH.localhost",
        b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: -5",
        b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: \xb2",
        b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999",
        b"POST /x HTTP/2.0\r\nHost: a",
        b"POST  /x HTTP/1.1\r\nHost: a",
        b"post /x HTTP/1.1\r\nHost: a",
        b"POST http://a/x HTTP/1.1\r\nHost: a",
    ],
)
def test_other_heads_are_refused(lines: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_head(lines)


def test_too_much_is_refused_before_it_is_read() -> None:
    head = HEAD.replace(b"5", b"4090")
    with pytest.raises(TooLarge):
        send(head + b"\r\n\r\n", ends=False)
    with pytest.raises(TooLarge):
        send(b"POST /x HTTP/1.1\r\n" + b"A: " + b"b" * 5000, ends=False)
    most = request.LARGEST - len(HEAD) - 7
    exact = HEAD.replace(b"5", str(most).encode()) + b"\r\n\r\n"
    assert len(send(exact + b"x" * most)[1]) == most


def test_a_caller_who_trickles_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is for the whole request, not for each of its bytes."""
    monkeypatch.setattr(request, "SECONDS", 0.3)
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        send(*(bytes([byte]) for byte in HEAD[:30]), pause=0.05, ends=False)
    assert time.monotonic() - begun < 3
    with pytest.raises(TimeoutError):
        send(HEAD + b"\r\n\r\nhell", pause=0.5, ends=False)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_head_or_refused(raw: bytes) -> None:
    try:
        head = read_head(raw)
    except ValueError:
        return
    assert head.length >= 0


@given(st.lists(st.sampled_from([*HEAD.split(b"\r\n"), b"A: b", b"Host: b", b""]), max_size=6))
def test_any_lines_are_a_head_of_one_meaning_or_refused(lines: list[bytes]) -> None:
    try:
        head = read_head(b"\r\n".join(lines))
    except ValueError:
        return
    assert [line.lower()[:5] for line in lines].count(b"host:") == 1
    assert head.host in ("smith.localhost", "b")


# -- the question -------------------------------------------------------------------------------


def test_a_question_is_read() -> None:
    question = read_question(b'{"nonce": "%b", "full": true, "more": 1}' % (b"aZ9_-" * 7))
    assert (question.nonce, question.full) == ("aZ9_-" * 7, True)
    assert read_question(b'{"nonce": "%b"}' % (b"a" * 32)).full is False
    assert read_question(b'{"nonce": "%b"}' % (b"a" * 128)).full is False


NONCE = "a" * 32


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"[]", b"{}", b'"x"', b"null", b'{"nonce": 1}', b'{"nonce": null}', b"\xff",
        b'{"nonce": "%b"}' % (b"a" * 31), b'{"nonce": "%b"}' % (b"a" * 129),
        f'{{"nonce": "{NONCE}+"}}'.encode(), f'{{"nonce": "{NONCE}\\n"}}'.encode(),
        f'{{"nonce": "{NONCE}\u00e9"}}'.encode(), f'{{"nonce": "{NONCE}\\ud800"}}'.encode(),
        f'{{"nonce": "{NONCE}", "nonce": "{NONCE}"}}'.encode(),
        f'{{"nonce": "{NONCE}", "full": 1}}'.encode(),
        f'{{"nonce": "{NONCE}", "full": "no"}}'.encode(),
        f'{{"nonce": "{NONCE}", "full": 1.5}}'.encode(),
        b"[" * 4000,
    ],
)  # fmt: skip
def test_another_question_is_refused_with_a_reason(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_question(raw)


@given(st.binary(max_size=100) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_a_question_or_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_question(raw)
