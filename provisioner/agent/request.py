"""Reads one HTTP/1.1 request (RFC 9112) as the edge sends it: small, whole and at once."""

from __future__ import annotations

import re
import socket
import time
from dataclasses import dataclass

LARGEST = 4096  # bytes, with its head
SECONDS = 2.0
_LINE = re.compile(r"([A-Z]{1,16}) (/[!-~]*) HTTP/1\.[01]").fullmatch
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
_HOST = re.compile(r"([a-z0-9.-]{1,253})(?::[0-9]{1,5})?").fullmatch


class TooLarge(ValueError):
    """The request is longer than it may be."""


@dataclass(frozen=True)
class Head:
    """`host` is without the port; `length` is the length of the body in bytes."""

    method: str
    path: str
    host: str
    length: int


def receive(connection: socket.socket) -> tuple[Head, bytes]:
    """The head and the body. Raises TimeoutError, OSError, TooLarge and ValueError."""
    until, raw = time.monotonic() + SECONDS, b""
    while b"\r\n\r\n" not in raw:
        raw += _receive_more(connection, until, LARGEST - len(raw))
    text, _, body = raw.partition(b"\r\n\r\n")
    head = read_head(text)
    if len(text) + 4 + head.length > LARGEST:
        raise TooLarge("too long")
    while len(body) < head.length:
        body += _receive_more(connection, until, head.length - len(body))
    return head, body[: head.length]


def read_head(raw: bytes) -> Head:
    """The lines before the empty one. Raises ValueError."""
    first, *rest = raw.decode("latin-1").split("\r\n")
    line, fields = _LINE(first), [_read_field(each) for each in rest]
    names = [name for name, _ in fields if name in ("host", "content-length")]
    values = dict(fields)
    if not line or len(names) != len(set(names)) or "transfer-encoding" in values:
        raise ValueError("not a request of one meaning")
    host, length = _HOST(values.get("host", "")), values.get("content-length", "0")
    if not host or not length.isascii() or not length.isdigit() or len(length) > 9:
        raise ValueError("not a request for a host, of a known length")
    return Head(line[1], line[2], host[1], int(length))


def _read_field(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not _NAME(name) or "\n" in value or "\r" in value:
        raise ValueError("not a field")
    return name.lower(), value.strip(" \t")


def drain(connection: socket.socket) -> None:
    """Takes in what the other side still sends until it closes. Raises TimeoutError, OSError."""
    until = time.monotonic() + SECONDS
    while _take(connection, until, LARGEST):
        pass


def _receive_more(connection: socket.socket, until: float, most: int) -> bytes:
    if most <= 0:
        raise TooLarge("too long")
    more = _take(connection, until, most)
    if not more:
        raise ValueError("cut short")
    return more


def _take(connection: socket.socket, until: float, most: int) -> bytes:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("too slow")
    connection.settimeout(left)
    return connection.recv(most)
