"""A connection that is read from for so long and so much, and no further."""

from __future__ import annotations

import io
import socket
import time


class Patience(io.RawIOBase):
    """The reading side of a socket. Raises TimeoutError once a request took too much of either.

    `http.server` hangs up then, without an answer.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._until = 0.0
        self._bytes = 0

    def begin(self, seconds: float, most_bytes: int) -> None:
        """A new request may take so long, from now, and so many bytes."""
        self._until = time.monotonic() + seconds
        self._bytes = most_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        left = self._until - time.monotonic()
        if left <= 0 or self._bytes <= 0:
            raise TimeoutError("the request took too long or was too large")
        self._sock.settimeout(left)
        count = self._sock.recv_into(buffer)
        self._bytes -= count
        return count
