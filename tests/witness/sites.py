"""A real little web server that serves what it is told, and notes who asked and how."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Request:
    """One request: its path, its headers in order, by which connection it came, what it sent."""

    path: str
    headers: list[tuple[str, str]]
    peer: int
    body: bytes = b""

    @property
    def named(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers}


Served = tuple[int, bytes] | tuple[int, bytes, dict[str, str]] | None  # None: hang up


@dataclass
class Site:
    """`pages` maps a path to (status, body[, headers]); `change` may answer otherwise."""

    pages: dict[str, Served] = field(default_factory=dict)
    change: Callable[[Request, Served], Served] = lambda request, served: served
    asked: list[Request] = field(default_factory=list)
    port: int = 0
    takes_posts: bool = False
    tls: ssl.SSLContext | None = None  # of new connections; its certificate can be replaced

    def answer(self, request: Request) -> Served:
        self.asked.append(request)
        return self.change(request, self.pages.get(request.path, (404, b"nothing here")))

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.asked]


@contextlib.contextmanager
def serving(site: Site, certificate: Path | None = None) -> Iterator[str]:
    """Yields `localhost:<port>`; with a certificate `127.0.0.1:<port>`, over TLS."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            if site.takes_posts:
                self.do_GET()
            else:
                self.send_error(501)

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            peer = self.client_address[1]
            request = Request(self.path, list(self.headers.items()), peer, body)
            served = site.answer(request)
            if served is None:
                self.close_connection = True
                return
            status, body, *more = served
            self.send_response(status)
            for name, value in (more[0] if more else {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate:
        context = site.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    site.port = server.server_address[1]
    try:
        yield f"{'127.0.0.1' if certificate else 'localhost'}:{site.port}"
    finally:
        server.shutdown()
        server.server_close()
