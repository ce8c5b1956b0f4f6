"""Releases from an address on the web, within one deadline however slowly the bytes come.

The standard library's client, because `tuf`'s own cannot end a trickle and knows no Unix socket.
"""

from __future__ import annotations

import io
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tuf.api.exceptions import DownloadError, DownloadHTTPError, SlowRetrievalError
from tuf.ngclient import FetcherInterface

from provisioner.adapters.release_sources import CHUNK, Deadline
from provisioner.adapters.timed_socket import open_tcp

OK = 200


@dataclass(frozen=True)
class WebSource:
    """A repository at `url`; `unix_socket` reaches it without a network."""

    url: str
    unix_socket: Path | None = None

    def open(self, deadline: Deadline) -> FetcherInterface:
        return _WebFetcher(self, deadline)


class _WebFetcher(FetcherInterface):
    """One kept connection for one operation."""

    def __init__(self, source: WebSource, deadline: Deadline) -> None:
        self._base = source.url.rstrip("/") + "/"
        self._unix_socket = source.unix_socket
        self._deadline = deadline
        self._connection: HTTPConnection | None = None

    def _fetch(self, url: str) -> Iterator[bytes]:
        connection, response = self._ask(self._base + url)
        try:
            if response.status != OK:
                response.read(CHUNK)  # to its end, so that the connection can be kept
                raise DownloadHTTPError(f"{url}: HTTP {response.status}", response.status)
            while chunk := response.read1(CHUNK):
                yield chunk
            if response.length:
                raise DownloadError(f"{url} ended {response.length} bytes early")
        except TimeoutError as error:
            raise SlowRetrievalError(f"{url} stopped: {error}") from error
        except (OSError, HTTPException) as error:
            raise DownloadError(f"{url} broke off: {error}") from error
        finally:
            self._keep(connection, response)

    def _ask(self, address: str) -> tuple[HTTPConnection, HTTPResponse]:
        try:
            connection = self._connection or self._connect()
            self._connection = None
            connection.request("GET", urlsplit(address).path)
            return connection, connection.getresponse()
        except (OSError, HTTPException, ValueError) as error:
            raise DownloadError(f"{address} does not answer: {error}") from error

    def _keep(self, connection: HTTPConnection, response: HTTPResponse) -> None:
        """Only a connection whose answer was read to its end can be asked again."""
        is_read = response.isclosed() or response.length == 0
        response.close()
        if is_read and connection.sock is not None:
            self._connection = connection
        else:
            connection.close()

    def _connect(self) -> HTTPConnection:
        parts = urlsplit(self._base)
        is_safe = parts.scheme == "https"
        port = parts.port or (443 if is_safe else 80)
        connection = HTTPConnection(parts.hostname or "", port)
        opened = self._open_socket(parts.hostname or "", port)
        if is_safe and self._unix_socket is None:
            opened = ssl.create_default_context().wrap_socket(
                opened, server_hostname=parts.hostname
            )
        connection.sock = _TimedSocket(opened, self._deadline)
        return connection

    def _open_socket(self, host: str, port: int) -> socket.socket:
        if self._unix_socket is None:
            return open_tcp(host, port, self._deadline.left)
        opened = socket.socket(socket.AF_UNIX)
        opened.settimeout(self._deadline.left())
        try:
            opened.connect(str(self._unix_socket))
        except OSError:
            opened.close()
            raise
        return opened


class _TimedSocket:
    """A socket that may only wait until the deadline, so that a trickle ends too."""

    def __init__(self, opened: socket.socket, deadline: Deadline) -> None:
        self._socket = opened
        self._deadline = deadline

    def sendall(self, content: bytes) -> None:
        self._socket.settimeout(self._deadline.left())
        self._socket.sendall(content)

    def makefile(self, mode: str, *_: object) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._socket, self._deadline))

    def close(self) -> None:
        self._socket.close()


class _TimedReader(io.RawIOBase):
    """Keeps the socket open until it is closed too, as an answer may outlive its connection."""

    def __init__(self, opened: socket.socket, deadline: Deadline) -> None:
        self._socket = opened
        self._raw = opened.makefile("rb", buffering=0)
        self._deadline = deadline
        self._is_begun = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - typed as Buffer since 3.12
        self._socket.settimeout(self._deadline.left())
        try:
            count = self._raw.readinto(buffer)
        except TimeoutError as error:
            if self._is_begun:  # it did answer, only too slowly
                raise SlowRetrievalError(str(error)) from error
            raise
        self._is_begun = True
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()
