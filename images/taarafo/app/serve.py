"""Serve the community on its Unix socket: one process, a few threads, ready in a moment."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from types import FrameType

from cheroot.wsgi import Server

from . import photos
from .database import connect
from .migrate import migrate
from .settings import Settings
from .web import create_app

THREADS = 12
QUEUE = 128  # callers that wait to be answered; the edge sends many at once
LARGEST_REQUEST = 512 * 1024 * 1024  # beyond this the connection is refused, not answered
log = logging.getLogger("app")


def serve(settings: Settings) -> None:
    """Answer until SIGTERM, then finish what was begun."""
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(message)s")
    migrate(settings)
    # Held for good and never closed: SQLite's side files then outlive us, and a community
    # whose disk is full can be read even after a restart.
    anchor = connect(settings.database)
    anchor.execute("SELECT count(*) FROM member").fetchone()
    server = _server(settings)
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_tidy, args=(settings,), daemon=True).start()
    try:
        server.serve()
    except (SystemExit, KeyboardInterrupt):
        server.stop()
    os._exit(0)


def _server(settings: Settings) -> Server:
    """Listening already when this returns. The edge runs as another user, hence umask 0."""
    server = Server(
        str(settings.socket),
        create_app(settings),
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


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit


def _tidy(settings: Settings) -> None:
    """Sweep up, once, after the first visitors were served."""
    time.sleep(5)
    for file in settings.incoming.iterdir():
        file.unlink(missing_ok=True)
    db = connect(settings.database)
    try:
        photos.sweep(db, settings.media, int(time.time()))
    except Exception:
        log.exception("sweeping up failed; nothing was lost")
    finally:
        db.close()
