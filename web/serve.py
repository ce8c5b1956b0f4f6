"""Serve the pages, to the edge's Unix socket or to a port: one process, many patient threads.

python3 -m web.serve unix:/path/http.sock
python3 -m web.serve 127.0.0.1:8000
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from queue import SimpleQueue

from cheroot.server import HTTPConnection
from cheroot.wsgi import Server
from flask import Flask

from provisioner.engine.context import Context
from provisioner.engine.machine.standby import choose_door
from provisioner.settings import Settings
from provisioner.signals import when_asked
from web.app import create_app
from web.bell import Bell

THREADS = 32  # a page that watches progress holds one
QUEUE = 128  # callers that wait to be answered
LARGEST_HEADER = 16 * 1024  # bytes; a longer address is answered with 414
IDLE_SECONDS = 30
GOODBYE_SECONDS = 5


def serve(app: Flask, bind: str) -> None:
    """Answer until SIGTERM, then finish what was begun."""
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    server = _listen(app, bind)
    was_asked = _answer_until_asked(server)
    server.stop()
    os._exit(0 if was_asked else 1)  # a page that watches progress must not hold us


class _Server(Server):
    def put_conn(self, conn: HTTPConnection) -> None:
        """Keep a connection for its next request, unless we stop at this very moment."""
        try:
            super().put_conn(conn)
        except ValueError:  # the list of connections is closed
            if self.ready:
                raise
            conn.close()


def _listen(app: Flask, bind: str) -> Server:
    """The edge is another user, hence umask 0; only we two can reach the socket's folder."""
    path = bind.removeprefix("unix:")
    host, _, port = bind.rpartition(":")
    address = path if path != bind else (host, int(port))
    server = _Server(
        address, app, numthreads=THREADS, request_queue_size=QUEUE, timeout=IDLE_SECONDS
    )
    server.server_name = ""
    server.shutdown_timeout = GOODBYE_SECONDS
    server.max_request_header_size = LARGEST_HEADER
    before = os.umask(0)
    try:
        server.prepare()
    finally:
        os.umask(before)
    return server


def _answer_until_asked(server: Server) -> bool:
    """Whether a signal ended it, and not an error."""
    ended: SimpleQueue[str] = SimpleQueue()
    when_asked(lambda: ended.put("asked"))

    def answer() -> None:
        try:
            server.serve()
        finally:
            ended.put("by itself")

    threading.Thread(target=answer, daemon=True).start()
    return ended.get() == "asked"


def open_app() -> Flask:
    """The application on this machine's state. Raises SettingWrong without its secrets."""
    settings = Settings()
    return create_app(Context(settings, waker=Bell(settings)))


if __name__ == "__main__":
    serve(open_app(), choose_door(Settings(), sys.argv[1]))
