"""A witness behind TLS at an address that containers reach, and that can be cut off."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

from tests.live.door import relay


@dataclass
class Relay:
    """Passes on what comes while `is_open`, else hangs up."""

    listener: socket.socket
    context: ssl.SSLContext
    to_port: int
    is_open: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        host, port = self.listener.getsockname()
        return f"https://{host}:{port}"

    def serve(self) -> None:
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:  # it was closed
                return
            threading.Thread(target=self._pass_on, args=(plain,), daemon=True).start()

    def _pass_on(self, plain: socket.socket) -> None:
        with plain, contextlib.suppress(OSError):
            if not self.is_open.is_set():
                return
            with (
                self.context.wrap_socket(plain, server_side=True) as inside,
                socket.create_connection(("127.0.0.1", self.to_port)) as outside,
            ):
                relay(inside, outside)


@contextlib.contextmanager
def open_relay(address: IPv4Address, certificate: Path, to_port: int) -> Iterator[Relay]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with socket.create_server((str(address), 0)) as listener:
        opened = Relay(listener, context, to_port)
        opened.is_open.set()
        threading.Thread(target=opened.serve, daemon=True).start()
        yield opened
