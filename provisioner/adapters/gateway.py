"""Ask the edge, through its own Unix socket, what a member would ask it over the network."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from provisioner.errors import Unavailable

LARGEST = 64 * 2**20  # bytes; more is refused


class EdgeGateway:
    """The port `Gateway`. One short connection a question."""

    def __init__(self, edge_socket: Path, *, timeout_seconds: float = 5.0) -> None:
        self._socket, self._timeout = edge_socket, timeout_seconds

    def get_status(self, host: str, path: str, *, door: str = "") -> int:
        return self._ask("GET", host, path, None, _through(door))[0]

    def get_bytes(self, host: str, path: str) -> bytes | None:
        status, body = self._ask("GET", host, path, None, {})
        return body if status == 200 else None

    def post(
        self, host: str, path: str, body: bytes, headers: Mapping[str, str], *, door: str = ""
    ) -> tuple[int, bytes]:
        """Status and body of the answer to a JSON request."""
        sent = {"Content-Type": "application/json", **headers, **_through(door)}
        return self._ask("POST", host, path, body, sent)

    def _ask(
        self, method: str, host: str, path: str, sent: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        connection = _UnixConnection(self._socket, self._timeout)
        try:
            with suppress(BrokenPipeError):  # it has answered before it read all that was sent
                connection.request(
                    method, path, sent, headers={**headers, "Host": host, "Connection": "close"}
                )
            response = connection.getresponse()
            body = response.read(LARGEST + 1)
            if len(body) > LARGEST:
                raise Unavailable("answer too large", part="an answer of a sensible size")
            return response.status, body
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"edge: {error!r}", part="the front door") from error
        finally:
            connection.close()


def _through(door: str) -> dict[str, str]:
    return {"X-Taarafo-Door": door} if door else {}


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
