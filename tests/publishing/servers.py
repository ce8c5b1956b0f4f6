"""Real servers for readers: a good one over TCP or a Unix socket, and several bad ones."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

Answer = Callable[[socket.socket], None]


class Asked(str):
    """A path that was asked for, and by which connection."""

    peer: str

    def __new__(cls, path: str, peer: str) -> Asked:
        asked = super().__new__(cls, path)
        asked.peer = peer
        return asked


class _Files(SimpleHTTPRequestHandler):
    """Serves a folder under `/releases/` and notes what was asked for."""

    protocol_version = "HTTP/1.1"
    asked: list[Asked]

    def __init__(self, *args: object, asked: list[Asked], **options: object) -> None:
        self.asked = asked
        super().__init__(*args, **options)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self.asked.append(Asked(self.path, str(self.client_address)))
        self.path = self.path.removeprefix("/releases")
        super().do_GET()

    def send_error(self, code: int, *_: object) -> None:
        """Like a web server that keeps the connection; the standard library's hangs up."""
        self.send_response(code)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"none")

    def log_message(self, *_: object) -> None:
        return


class _UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


@contextlib.contextmanager
def serve(
    folder: Path, unix_socket: Path | None = None, certificate: Path | None = None
) -> Iterator[tuple[str, list[Asked]]]:
    """Yields the address of the releases and the list of paths that were asked for."""
    asked: list[Asked] = []
    handler = partial(_Files, asked=asked, directory=str(folder))
    server = (
        _UnixServer(str(unix_socket), handler)
        if unix_socket
        else ThreadingHTTPServer(("127.0.0.1", 0), handler)
    )
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    port = 80 if unix_socket else server.server_address[1]
    try:
        yield f"http{'s' if certificate else ''}://localhost:{port}/releases/", asked
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def answer_with(answer: Answer) -> Iterator[str]:
    """A server that reads each request and then does `answer`. Yields its address."""
    server = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError):
                connection, _ = server.accept()
                threading.Thread(target=_answer_one, args=(connection, answer), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/releases/"
    finally:
        stop.set()
        server.close()


def _answer_one(connection: socket.socket, answer: Answer) -> None:
    with contextlib.suppress(OSError), connection:
        connection.recv(65536)
        answer(connection)


def write_certificate(path: Path) -> None:
    """A certificate for localhost that signs itself, with its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + certificate.public_bytes(Encoding.PEM))


def silence(_: socket.socket) -> None:
    time.sleep(5)


def fail(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")


def hang_up(_: socket.socket) -> None:
    return


def break_off(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")


def trickle_head(connection: socket.socket) -> None:
    _trickle(connection, b"HTTP/1.1 200 OK\r\nX-Slow: ")


def trickle_body(connection: socket.socket) -> None:
    _trickle(connection, b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n")


def endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b" " * 65536)


def _trickle(connection: socket.socket, start: bytes) -> None:
    connection.sendall(start)
    while True:
        connection.sendall(b"x")
        time.sleep(0.01)
