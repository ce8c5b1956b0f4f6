"""Serve the community on its Unix socket: one process, a few threads, ready in a moment."""

from __future__ import annotations

import logging
import os
import select
import signal
import sys
import threading
import time

from cheroot.server import HTTPConnection, HTTPRequest
from cheroot.wsgi import Server

from . import photos
from .database import connect, fold_log, forget_deleted
from .migrate import migrate
from .settings import Settings
from .turn import await_turn, say_in_order
from .web import Community, create_app

THREADS = 12
DAY = 24 * 3600
FOLD_SECONDS = 10
LET_IN_SECONDS = 2.0
QUEUE = 128  # callers that wait to be answered; the edge sends many at once
LARGEST_REQUEST = 512 * 1024 * 1024  # beyond this the connection is refused, not answered
ENDED = b"\0"  # the number of no signal
log = logging.getLogger("app")


def serve(settings: Settings) -> None:
    """Load, await our turn, answer until SIGTERM, then finish what was begun."""
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(message)s")
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # nobody is served yet
    app, door = create_app(settings), settings.socket.parent
    await_turn(door)
    migrate(settings)
    say_in_order(door)
    # Held for good and never closed: SQLite's side files then outlive us, and a community
    # whose disk is full can be read even after a restart.
    anchor = connect(settings.database)
    anchor.execute("SELECT count(*) FROM member").fetchone()
    server = _server(settings, app)
    threading.Thread(target=_tidy, args=(settings, time.time()), daemon=True).start()
    was_asked = _answer_until_asked(server)
    if was_asked:
        _let_in(server)
    server.stop()
    os._exit(0 if was_asked else 1)


class _Request(HTTPRequest):
    def send_headers(self) -> None:
        """What says that it closes does so at once, and reads no more of what is sent."""
        if (b"Connection", b"close") in self.outheaders:
            self.close_connection = True
        super().send_headers()


class _Connection(HTTPConnection):
    RequestHandlerClass = _Request


class _Server(Server):
    ConnectionClass = _Connection

    def put_conn(self, conn: HTTPConnection) -> None:
        """Keep a connection for its next request, unless we stop at this very moment."""
        try:
            super().put_conn(conn)
        except ValueError:  # the list of connections is closed
            if self.ready:
                raise
            conn.close()


def _server(settings: Settings, app: Community) -> Server:
    """Listening already when this returns. The edge runs as another user, hence umask 0."""
    server = _Server(
        str(settings.socket),
        app,
        numthreads=THREADS,
        request_queue_size=QUEUE,
        timeout=30,
    )
    server.server_name = ""
    server.shutdown_timeout = 8
    server.max_request_body_size = LARGEST_REQUEST
    before = os.umask(0)
    try:
        server.prepare()
    finally:
        os.umask(before)
    return server


def _answer_until_asked(server: Server) -> bool:
    """Whether a signal ended it, and not an error.

    What handles a signal runs in the main thread, in the middle of whatever that does. If it did
    that to the server, it could leave a lock held for good. So the main thread does nothing else.
    Any thread may be the one that is interrupted, and writes the signal's number for it to read.
    """
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell)
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: None)

    def answer() -> None:
        try:
            server.serve()
        finally:
            os.write(tell, ENDED)

    threading.Thread(target=answer, daemon=True).start()
    return os.read(told, 1) != ENDED


def _let_in(server: Server) -> None:
    """Whoever stands at our socket already is answered, too: to stop would send them away.

    The edge sends nobody else while we are replaced; otherwise new ones are let in for a moment.
    """
    ends = time.monotonic() + LET_IN_SECONDS
    while time.monotonic() < ends and select.select([server.socket], [], [], 0)[0]:
        time.sleep(0.005)


def _tidy(settings: Settings, begun: float) -> None:
    """Sweep up after the first visitors were served, and then every day.

    This finishes what somebody deleted when the process before was killed in the middle of it.
    """
    time.sleep(5)
    for file in settings.incoming.iterdir():
        file.unlink(missing_ok=True)
    due = 0.0
    while True:
        if time.monotonic() >= due:
            _sweep(settings, begun)
            due = time.monotonic() + DAY
        _fold(settings)
        time.sleep(FOLD_SECONDS)


def _fold(settings: Settings) -> None:
    try:
        fold_log(settings.database)
    except Exception:
        log.exception("the write-ahead log stays long; nothing was lost")


def _sweep(settings: Settings, begun: float) -> None:
    db = connect(settings.database)
    try:
        photos.sweep(db, settings.media, int(time.time()), begun)
        forget_deleted(db)
    except Exception:
        log.exception("sweeping up failed; nothing was lost")
    finally:
        db.close()
