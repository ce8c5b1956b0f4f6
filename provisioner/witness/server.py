"""The witness's HTTP server: bounded in threads, time and bytes, whoever is on the other side."""

from __future__ import annotations

import io
import logging
import socket
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from provisioner.witness.allowance import Allowance, name_peer
from provisioner.witness.answer import Answer, refuse
from provisioner.witness.patience import Patience
from provisioner.witness.routes import Routes

LARGEST_BODY = 64 * 1024
LARGEST_HEAD = 16 * 1024
MOST_CONNECTIONS = 64  # each holds a thread
MOST_OF_ONE_PEER = 16
REQUEST_SECONDS = 10.0  # to wait for a request and to read it whole; and again to answer it
_OPEN_TO_ALL = (
    ("Access-Control-Allow-Origin", "*"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-cache"),
)


class WitnessServer(ThreadingHTTPServer):
    """Listens at `host` and `port` (0: any) as soon as it is made. Raises OSError."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, routes: Routes, allowance: Allowance) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.routes = routes
        self.allowance = allowance
        self._lock = threading.Lock()
        self._open: Counter[str] = Counter()
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Without the lookup of our own name, which may hang."""
        TCPServer.server_bind(self)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def is_crowded(self) -> bool:
        """Then no connection is kept for a next request."""
        with self._lock:
            return self._open.total() > MOST_CONNECTIONS // 2

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Hang up on who is one too many."""
        peer = name_peer(client_address[0])
        with self._lock:
            is_full = self._open.total() >= MOST_CONNECTIONS
            if is_full or self._open[peer] >= MOST_OF_ONE_PEER:
                self.shutdown_request(request)
                return
            self._open[peer] += 1
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        peer = name_peer(client_address[0])
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._open[peer] -= 1
                if not self._open[peer]:
                    del self._open[peer]

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """A peer that went away is nothing to write down."""
        logging.getLogger(__name__).debug("a connection broke off", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: WitnessServer

    def setup(self) -> None:
        super().setup()
        self._patience = Patience(self.connection)
        self.rfile = io.BufferedReader(self._patience)

    def handle_one_request(self) -> None:
        self._patience.begin(REQUEST_SECONDS, LARGEST_HEAD + LARGEST_BODY)
        super().handle_one_request()

    def do_GET(self) -> None:
        if {"content-length", "transfer-encoding"} & {name.lower() for name in self.headers}:
            self.close_connection = True  # a body here would be taken for the next request
        self._say(self._refuse_often() or self.server.routes.get(self.path))

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        body = self._refuse_often() or self._read_body()
        self._say(body if isinstance(body, Answer) else self.server.routes.post(self.path, body))

    def _refuse_often(self) -> Answer | None:
        if self.server.allowance.take(self.client_address[0]):
            return None
        self.close_connection = True  # its body was not read
        return refuse(429, "that is too often")

    def _read_body(self) -> bytes | Answer:
        told = self.headers.get("Content-Length", "")
        if not (told.isascii() and told.isdigit()) or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            return refuse(411, "how long is it?")
        if len(told) > 9 or int(told) > LARGEST_BODY:
            self.close_connection = True
            return refuse(413, f"more than {LARGEST_BODY} bytes")
        body = self.rfile.read(int(told))
        return body if len(body) == int(told) else refuse(400, "the request was cut short")

    def _say(self, answer: Answer) -> None:
        self.connection.settimeout(REQUEST_SECONDS)
        if self.server.is_crowded:
            self.close_connection = True
        self.send_response_only(answer.status)
        self.send_header("Date", self.date_time_string())
        for name, value in _OPEN_TO_ALL:
            self.send_header(name, value)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class makes of a request that is none, in our own words."""
        self.close_connection = True
        self._say(refuse(code, message or "this is no request"))

    def log_message(self, *_: object) -> None:
        """Who asks is nobody's business."""
