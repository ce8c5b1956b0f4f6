"""A door out of the tests' network: an HTTP proxy that listens inside it and asks outside.

The namespace has no route to anywhere, on purpose. What a build fetches (Debian packages,
wheels) goes through this proxy and nothing on the machine's own network has to change.
"""

from __future__ import annotations

import contextlib
import http.client
import select
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from tests.live.network import enter_network

CHUNK = 1 << 16
PATIENCE = 120.0
OF_ONE_HOP = {"connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade", "te"}


def open_door(namespace: Path) -> str:
    """Start serving; returns the proxy's address as seen inside the namespace."""
    listener = listen_inside(namespace)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Doorkeeper, bind_and_activate=False)
    server.socket.close()
    server.socket, server.server_name, server.server_port = listener, "door", 0
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def listen_inside(namespace: Path) -> socket.socket:
    """A socket stays in the network it was made in, so one short thread makes it in there."""
    made: list[socket.socket] = []

    def make() -> None:
        enter_network(namespace)
        made.append(socket.create_server(("127.0.0.1", 0)))

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    return made[0]


class Doorkeeper(BaseHTTPRequestHandler):
    """Passes on plain requests and opens tunnels for encrypted ones."""

    protocol_version = "HTTP/1.1"

    def do_CONNECT(self) -> None:
        host, _, port = self.path.rpartition(":")
        try:
            outside = socket.create_connection((host, int(port)), timeout=PATIENCE)
        except OSError as error:
            self.send_error(http.HTTPStatus.BAD_GATEWAY, str(error))
            return
        with outside:
            self.send_response(http.HTTPStatus.OK)
            self.end_headers()
            relay(self.connection, outside)
        self.close_connection = True

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        outside = http.client.HTTPConnection(address.hostname or "", address.port, PATIENCE)
        target = address.path + (f"?{address.query}" if address.query else "")
        asked = {k: v for k, v in self.headers.items() if k.lower() not in OF_ONE_HOP}
        try:
            with contextlib.closing(outside):
                outside.request(self.command, target or "/", headers=asked)
                self.pass_back(outside.getresponse())
        except OSError as error:
            self.send_error(http.HTTPStatus.BAD_GATEWAY, str(error))

    def do_HEAD(self) -> None:
        self.do_GET()

    def pass_back(self, answer: http.client.HTTPResponse) -> None:
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in OF_ONE_HOP | {"date", "server"}:
                self.send_header(name, value)
        if self.command != "HEAD" and answer.length is None:
            self.send_header("Connection", "close")
        self.end_headers()
        while part := answer.read(CHUNK):
            self.wfile.write(part)

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the lines of the tests are the only ones to read."""


def relay(inside: socket.socket, outside: socket.socket) -> None:
    """Copy bytes both ways until one side closes or both are silent for long."""
    other = {inside: outside, outside: inside}
    while True:
        ready, _, _ = select.select([inside, outside], [], [], PATIENCE)
        for end in ready:
            part = end.recv(CHUNK)
            if not part:
                return
            other[end].sendall(part)
        if not ready:
            return
