"""Visits a community as a browser would: page after page over one connection, until a deadline."""

from __future__ import annotations

import socket
import ssl
import time
import zlib
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from provisioner.adapters.browser import plan_headers
from provisioner.adapters.timed_socket import TimedSocket, connect, connect_tls, is_local_name
from provisioner.adapters.tls_key import hash_key
from provisioner.errors import Unavailable

NO_TLS = "-"
_INFLATED = 15 + 32  # zlib: the widest window, and find out whether it is gzip


@dataclass(frozen=True)
class Page:
    """HTTP status, and the body after its content encoding was taken off."""

    status: int
    body: bytes


class Visit:
    """One visit to `address`, a host name with an optional port. No redirect is followed.

    `tls_key` is the SHA-256 of the server's SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) of the first
    connection as `sha256:<hex>`, and `-` on plain HTTP, which only names below `.localhost` speak.
    Certificates are checked against `authorities`, a PEM file, and the system's own.
    """

    def __init__(
        self,
        address: str,
        *,
        seconds: float = 60.0,
        limit_bytes: int = 8 * 1024 * 1024,
        authorities: Path | None = None,
    ) -> None:
        self.tls_key = NO_TLS
        self._address = address
        self._until = time.monotonic() + seconds
        self._limit = limit_bytes
        self._authorities = str(authorities) if authorities else None
        self._socket: socket.socket | None = None
        self._connection = HTTPConnection("visit")
        self._connection.auto_open = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._hang_up()

    def get(self, path: str) -> Page:
        """Raises Unavailable when there is no whole answer in time."""
        is_kept = self._connection.sock is not None
        try:
            try:
                return self._ask(path)
            except (OSError, HTTPException):
                if not is_kept:
                    raise
                self._hang_up()  # a server may end a kept connection at any time
                return self._ask(path)
        except (OSError, ValueError, HTTPException) as error:
            self._hang_up()
            raise Unavailable(f"{self._address}{path}: {error}", part=self._address) from error

    def _ask(self, path: str) -> Page:
        if self._connection.sock is None:
            self._call()
        self._connection.putrequest("GET", path, skip_host=True, skip_accept_encoding=True)
        is_secure = isinstance(self._socket, ssl.SSLSocket)
        for name, value in plan_headers(self._address, path, is_secure=is_secure):
            self._connection.putheader(name, value)
        self._connection.endheaders()
        response = self._connection.getresponse()
        return Page(response.status, self._read(response))

    def _read(self, response: HTTPResponse) -> bytes:
        body = response.read(self._limit + 1)
        if response.length and len(body) <= self._limit:
            raise ValueError("the answer was cut short")
        if response.getheader("Content-Encoding") in ("gzip", "deflate"):
            body = _inflate(body, self._limit + 1)
        if len(body) > self._limit:
            raise ValueError(f"more than {self._limit} bytes")
        return body

    def _call(self) -> None:
        self._hang_up()
        target = urlsplit(f"//{self._address}")
        host = target.hostname or ""
        if is_local_name(host):
            self._socket = connect(host, target.port or 80, self._until)
        else:
            secure = connect_tls(host, target.port or 443, self._until, self._authorities)
            self._socket = secure
            if self.tls_key == NO_TLS:
                self.tls_key = hash_key(secure)
        self._connection.sock = TimedSocket(self._socket, self._until)

    def _hang_up(self) -> None:
        self._connection.close()
        if self._socket:
            self._socket.close()
        self._socket = None


def _inflate(body: bytes, limit: int) -> bytes:
    """At most `limit` bytes. Raises ValueError for what is cut off or not compressed."""
    inflater = zlib.decompressobj(_INFLATED)
    try:
        content = inflater.decompress(body, limit)
    except zlib.error as error:
        raise ValueError("the answer is not compressed as it says") from error
    if not inflater.eof and len(content) < limit:
        raise ValueError("the answer was cut short")
    return content
