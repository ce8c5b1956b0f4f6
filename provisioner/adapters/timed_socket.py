"""Sockets that wait no longer than until one moment, however slowly the other side drips."""

from __future__ import annotations

import io
import socket
import ssl
import time
from collections.abc import Callable

_LOOPBACK = ("127.0.0.1", "::1")


class TimedSocket:
    """What `http.client` needs of a socket. `until` is a moment of `time.monotonic`."""

    def __init__(self, sock: socket.socket, until: float) -> None:
        self._sock = sock
        self._until = until

    def sendall(self, content: bytes) -> None:
        self._sock.settimeout(seconds_left(self._until))
        self._sock.sendall(content)

    def makefile(self, mode: str, *_: object) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._sock, self._until))

    def close(self) -> None:
        """http.client closes as soon as the header is read; the body is still to come."""


class _Reader(io.RawIOBase):
    def __init__(self, sock: socket.socket, until: float) -> None:
        self._sock = sock
        self._until = until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._sock.settimeout(seconds_left(self._until))
        return self._sock.recv_into(buffer)


def connect(host: str, port: int, until: float) -> socket.socket:
    """A connection to the first address of `host` that takes one. Raises OSError.

    Names below `.localhost` are this machine (RFC 6761 §6.3).
    """
    hosts = _LOOPBACK if is_local_name(host) else (host,)
    for each in hosts[:-1]:
        try:
            return _connect_one(each, port, until)
        except OSError:
            continue
    return _connect_one(hosts[-1], port, until)


def connect_tls(
    host: str, port: int, until: float, authorities: str | None = None
) -> ssl.SSLSocket:
    """Like `connect`, with a certificate that was checked: the handshake ends in time too.

    `authorities` is a PEM file of those who are believed besides the system's own.
    """
    plain = connect(host, port, until)
    try:
        plain.settimeout(seconds_left(until))
        context = ssl.create_default_context()
        if authorities:
            context.load_verify_locations(authorities)
        return context.wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def _connect_one(host: str, port: int, until: float) -> socket.socket:
    """What is sent in two parts goes out at once, and does not wait for an acknowledgement."""
    sock = open_tcp(host, port, lambda: seconds_left(until))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def open_tcp(host: str, port: int, left: Callable[[], float]) -> socket.socket:
    """A connection to the first of a name's addresses that takes one.

    All of them together have the time that is `left`, which raises when there is none; a name with
    many silent addresses takes no longer. Raises OSError.
    """
    refused: OSError | None = None
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for number, (family, kind, protocol, _, address) in enumerate(found):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(left() / (len(found) - number))
            sock.connect(address)
        except OSError as error:
            sock.close()
            refused = error
        except BaseException:
            sock.close()
            raise
        else:
            sock.settimeout(left())
            return sock
    raise refused or OSError(f"{host} has no address")


def is_local_name(host: str) -> bool:
    """Whether a name means this machine, wherever it is asked."""
    return host == "localhost" or host.endswith(".localhost")


def seconds_left(until: float) -> float:
    """Raises TimeoutError when there are none."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("it took too long")
    return left
