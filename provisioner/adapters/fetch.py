"""Gets public bytes over HTTP: one deadline for everything, one size limit, no redirects."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from provisioner.adapters.timed_socket import TimedSocket, connect, connect_tls, is_local_name
from provisioner.errors import Unavailable


@dataclass(frozen=True)
class Fetch:
    """`fetch(address, path)`; through `gateway`, the edge's Unix socket, when that is given.

    `address` is a host name with an optional port. Names below `.localhost` are this machine
    (RFC 6761 §6.3) and are asked over plain HTTP; all others over TLS with a checked certificate.
    `keys`, when given, notes for each address the key of its newest TLS connection, as
    `sha256:<hex>` (see `tls_key.py`); of plain HTTP there is nothing to note.
    """

    gateway: Path | None = None
    deadline_seconds: float = 10.0
    limit_bytes: int = 8 * 1024 * 1024
    keys: dict[str, str] | None = None

    def __call__(self, address: str, path: str) -> bytes | None:
        """Body of a 200, None for any other answer. Raises Unavailable when there is none."""
        return self._ask("GET", address, path, None)

    def post(self, address: str, path: str, body: bytes) -> bytes | None:
        """The same for a question in JSON."""
        return self._ask("POST", address, path, body)

    def _ask(self, method: str, address: str, path: str, sent: bytes | None) -> bytes | None:
        until = time.monotonic() + self.deadline_seconds
        connection = http.client.HTTPConnection("edge")
        try:
            with self._connect(address, until) as sock:
                connection.sock = TimedSocket(sock, until)
                headers = {"Host": address, "Connection": "close"}
                if sent is not None:
                    headers["Content-Type"] = "application/json"
                connection.request(method, path, sent, headers)
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

    def _connect(self, address: str, until: float) -> socket.socket:
        if self.gateway:
            plain = socket.socket(socket.AF_UNIX)
            plain.settimeout(self.deadline_seconds)
            plain.connect(str(self.gateway))
            return plain
        target = urlsplit(f"//{address}")
        host = target.hostname or ""
        if is_local_name(host):
            return connect(host, target.port or 80, until)
        secure = connect_tls(host, target.port or 443, until)
        if self.keys is not None:
            self._note_key(address, secure, self.keys)
        return secure

    def _note_key(self, address: str, secure: ssl.SSLSocket, keys: dict[str, str]) -> None:
        from provisioner.adapters.tls_key import hash_key

        try:
            keys[address] = hash_key(secure)
        except BaseException:
            secure.close()
            raise
