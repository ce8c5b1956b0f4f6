"""Gets public bytes over HTTP: one deadline for everything, one size limit, no redirects."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from provisioner.errors import Unavailable

_LOOPBACK = ("127.0.0.1", "::1")


@dataclass(frozen=True)
class Fetch:
    """`fetch(address, path)`; through `gateway`, the edge's Unix socket, when that is given.

    `address` is a host name with an optional port. Names below `.localhost` are this machine
    (RFC 6761 §6.3) and are asked over plain HTTP; all others over TLS with a checked certificate.
    """

    gateway: Path | None = None
    deadline_seconds: float = 10.0
    limit_bytes: int = 8 * 1024 * 1024

    def __call__(self, address: str, path: str) -> bytes | None:
        """Body of a 200, None for any other answer. Raises Unavailable when there is none."""
        until = time.monotonic() + self.deadline_seconds
        connection = http.client.HTTPConnection("edge")
        try:
            with self._connect(address) as sock:
                connection.sock = _Deadlined(sock, until)
                connection.request("GET", path, headers={"Host": address, "Connection": "close"})
                return self._read(connection.getresponse())
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise Unavailable(f"{address}: {error}", part=address) from error

    def _read(self, response: http.client.HTTPResponse) -> bytes | None:
        if response.status != http.client.OK:
            return None
        body = response.read(self.limit_bytes + 1)
        if len(body) > self.limit_bytes:
            raise ValueError(f"more than {self.limit_bytes} bytes")
        if response.length:
            raise ValueError("the answer was cut short")
        return body

    def _connect(self, address: str) -> socket.socket:
        if self.gateway:
            plain = socket.socket(socket.AF_UNIX)
            plain.settimeout(self.deadline_seconds)
            plain.connect(str(self.gateway))
            return plain
        target = urlsplit(f"//{address}")
        host = target.hostname or ""
        if host == "localhost" or host.endswith(".localhost"):
            return _connect_any(_LOOPBACK, target.port or 80, self.deadline_seconds)
        plain = _connect_any((host,), target.port or 443, self.deadline_seconds)
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)


class _Deadlined:
    """A socket whose every read waits no longer than until one moment: slow drips end too."""

    def __init__(self, sock: socket.socket, until: float) -> None:
        self._sock = sock
        self._until = until

    def sendall(self, content: bytes) -> None:
        self._sock.settimeout(_left(self._until))
        self._sock.sendall(content)

    def makefile(self, mode: str) -> io.BufferedReader:
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
        self._sock.settimeout(_left(self._until))
        return self._sock.recv_into(buffer)


def _connect_any(hosts: tuple[str, ...], port: int, seconds: float) -> socket.socket:
    """A connection to the first host that takes one."""
    for host in hosts[:-1]:
        try:
            return socket.create_connection((host, port), seconds)
        except OSError:
            continue
    return socket.create_connection((hosts[-1], port), seconds)


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("it took too long")
    return left
