"""The whole web application on fakes and a real database: in this process, or served for real."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from provisioner.engine.operations import run_operation
from provisioner.engine.operators import make_operator_link
from tests.fakes import FakeContext, make_context
from web.app import create_app
from web.serve import serve

ROOT = Path(__file__).parents[2]
PASSWORD = "a few plain words"
FORM_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def make_web(folder: Path) -> tuple[FakeContext, Flask]:
    """A context with the keys that `up` mints, and the application on it."""
    keys = folder / "keys"
    keys.mkdir(exist_ok=True)
    (keys / "session.key").write_bytes(b"k" * 64)
    context = make_context(folder)
    return context, create_app(context)


def post(client: FlaskClient, page: str, action: str, **fields: str):
    """Send a form like a browser: with the hidden token of the page that shows it."""
    found = FORM_TOKEN.search(client.get(page).text)
    assert found, f"{page} has no form"
    return client.post(action, data={"csrf_token": found[1], **fields})


def sign_in(context: FakeContext, app: Flask) -> FlaskClient:
    """A browser that came in by the one-time link."""
    client = app.test_client()
    link = f"/operator/welcome/{make_operator_link(context)}"
    assert post(client, link, link, password=PASSWORD).status_code == 303
    return client


@contextmanager
def count_queries(context: FakeContext) -> Iterator[list[str]]:
    """Every statement that reaches the database meanwhile, without BEGIN and COMMIT."""
    seen: list[str] = []

    def note(connection, cursor, statement, *_: object) -> None:
        if statement.split()[0] not in ("BEGIN", "COMMIT", "ROLLBACK"):
            seen.append(statement)

    engine = context.store._engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


class OwnHands:
    """A worker in a thread: what is asked is done, on the fakes."""

    def __init__(self, context: FakeContext) -> None:
        self._context = context

    def wake(self, operation_id: str) -> None:
        threading.Thread(target=run_operation, args=(self._context, operation_id)).start()


def open_fakes() -> Flask:
    """What `serving` serves."""
    context, app = make_web(Path(os.environ["TAARAFO_TEST_WEB_FOLDER"]))
    context.waker = OwnHands(context)
    return app


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The application under its own server, on a free port; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tests.web.serving", f"127.0.0.1:{port}"]
    environment = {**os.environ, "TAARAFO_TEST_WEB_FOLDER": str(folder)}
    server = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        _await(f"http://localhost:{port}/healthz", server)
        yield f"http://localhost:{port}"
    finally:
        server.terminate()
        code = server.wait(20)
    assert code == 0, "it ended, but not because it was asked"


def _await(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server ended"
        try:
            if requests.get(url, timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError("the server did not answer")


if __name__ == "__main__":
    serve(open_fakes(), sys.argv[1])
