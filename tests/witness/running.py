"""Witnesses that run: a real process of the command line, or a real server in this one."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Protocol

from provisioner.adapters.machine import SystemClock
from provisioner.core.tlog.note import Note, NoteKey, read_note, read_signatures, read_vkey
from provisioner.witness.allowance import Allowance
from provisioner.witness.cosigning import Cosigner
from provisioner.witness.identity import Identity, load_key
from provisioner.witness.routes import Routes
from provisioner.witness.server import WitnessServer
from provisioner.witness.shelf import Shelf

ROOT = Path(__file__).resolve().parents[2]
NAME = "w.example/1"


@dataclass
class Asked:
    """An answer with its header."""

    status: int
    body: bytes
    header: dict[str, str]


@dataclass
class Running:
    """Where a witness answers, and its key."""

    port: int
    vkey: str
    policy: str = ""
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def key(self) -> NoteKey:
        return read_vkey(self.vkey)

    def ask(self, method: str, path: str, body: bytes | None = None) -> Asked:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request(method, path, body)
            response = connection.getresponse()
            header = {name.lower(): value for name, value in response.getheaders()}
            return Asked(response.status, response.read(), header)

    def add(self, submission: bytes) -> Asked:
        return self.ask("POST", "/add-checkpoint", submission)


@contextlib.contextmanager
def witness_process(folder: Path, *arguments: str, **variables: str) -> Iterator[Running]:
    """`./taarafo witness serve` as a process of its own, on a port that is free."""
    command = [sys.executable, str(ROOT / "cli.py"), "witness", "serve", "--json"]
    command += ["--folder", str(folder), "--listen", "127.0.0.1:0", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, **variables})
    assert process.stdout
    try:
        told = json.loads(process.stdout.readline() or b"null")
        assert told, "it did not start"
        port = int(told["url"].rpartition(":")[2])
        yield Running(port, told["vkey"], told["policy"], process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        process.wait(10)
        process.stdout.close()


class WatchedLog(Protocol):
    @property
    def key(self) -> NoteKey: ...


@contextlib.contextmanager
def witness_here(
    folder: Path, *logs: WatchedLog, allowance: Allowance | None = None
) -> Iterator[Running]:
    """The same server in this process: quick to start."""
    identity = Identity(NAME, load_key(folder / "key.pem"))
    cosigner = Cosigner(folder, identity, [log.key for log in logs], SystemClock())
    routes = Routes(folder, identity.vkey, cosigner, Shelf(folder))
    with WitnessServer("127.0.0.1", 0, routes, allowance or Allowance()) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield Running(server.port, identity.vkey)
        finally:
            server.shutdown()


def cosigned(checkpoint: bytes, body: bytes) -> Note:
    """The checkpoint's text under the signature lines of an answer."""
    return Note(read_note(checkpoint).text, read_signatures(body.decode()))
