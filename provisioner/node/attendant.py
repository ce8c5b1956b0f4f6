"""Stands beside a community's data during an upgrade, and does there what it is told.

    python3 -m provisioner.node.attendant --home FOLDER --door FOLDER --uid N --gid N

It listens at `swap/http.sock` in the door's folder, where only the edge leads, and only from
inside (images/edge/Caddyfile). Every order is a POST with the token of this upgrade, may be
repeated, and is answered at once: 202 while it is being carried out, then 200.

An order may come late: a worker that was paused, as with its whole machine, knows only when it
looks that another has gone on without it. So each order says which step of the upgrade it is of.
One of a step that is over is refused, and what was changed in a step is not changed again there:
else a late one could put the data back when members are let in already.
"""

from __future__ import annotations

import argparse
import hmac
import json
import logging
import os
import shutil
import signal
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from provisioner.node.doors import SLOTS, close_door, find_open, make_slots, open_door
from provisioner.node.snapshot import Snapshots
from provisioner.node.turns import begin, clear, hold

log = logging.getLogger(__name__)
TOKEN = Path("/run/secrets/token")
HEADER = "X-Taarafo-Token"
SWAP = "swap"
LONGEST_ORDER = 4096  # bytes
PATIENCE = 1800.0  # seconds without an order, after which it goes by itself
ASKS = frozenset({"look", "hold", "begin"})  # whose answers change from one time to the next
PROMPT = 0.2  # seconds for which an answer waits, so that most orders need no second question

Answer = tuple[int, dict[str, Any]]
Order = Callable[[Mapping[str, Any]], dict[str, Any]]


@dataclass
class _Task:
    """One order that is being carried out, or was."""

    order: tuple[str, str]
    step: int
    thread: threading.Thread = field(init=False)
    answer: Answer | None = None


class Attendant:
    """Carries out one order after another. Knows no network."""

    def __init__(
        self, home: Path, door: Path, *, uid: int, gid: int, shared: tuple[str, ...]
    ) -> None:
        self._door, self._uid, self._gid = door, uid, gid
        self._home, self._snapshots = home, Snapshots(home, shared)
        self._task: _Task | None = None
        self._step = 0
        self._done: dict[tuple[str, str], Answer] = {}  # what was changed in this step
        self._lock = threading.Lock()
        self._orders: dict[str, Order] = {
            "look": self._look,
            "hold": self._hold,
            "close": self._close,
            "snapshot": self._take,
            "put-back": self._put_back,
            "begin": self._begin,
            "open": self._open,
            "clear": self._clear,
            "forget": self._forget,
        }

    def answer(self, verb: str, said: Mapping[str, Any]) -> Answer:
        """Begin the order, unless the same one runs already, and say how it stands.

        One that does not say which step it is of, as from an older control plane that was put back,
        is of this one. Raises ValueError for nonsense.
        """
        if verb not in self._orders:
            return 404, {"explain": "There is no such order."}
        order, step = (verb, json.dumps(said, sort_keys=True)), said.get("step", self._step)
        if not isinstance(step, int):
            raise ValueError("a step is told by its number")
        with self._lock:
            if step < self._step:
                return 409, {"explain": "That order is of a step that is over."}
            if step > self._step:
                self._step, self._done = step, {}
            if order in self._done:
                return self._done[order]
            task = self._find_or_begin(order, step, said)
        if task is None:
            return 409, {"explain": "Another order is being carried out."}
        task.thread.join(PROMPT)
        with self._lock:
            if task.answer is None:
                return 202, {}
            if self._task is task:
                self._task = None
            return task.answer

    def _find_or_begin(
        self, order: tuple[str, str], step: int, said: Mapping[str, Any]
    ) -> _Task | None:
        """One that has ended is of no concern to another order, though nobody heard its answer."""
        task = self._task
        if task is None or (task.answer is not None and task.order != order):
            task = self._task = _Task(order, step)
            task.thread = threading.Thread(target=self._carry, args=(task, said), daemon=True)
            task.thread.start()
        return task if task.order == order else None

    def _carry(self, task: _Task, said: Mapping[str, Any]) -> None:
        verb = task.order[0]
        try:
            answer: Answer = (200, self._orders[verb](said))
        except Exception as error:  # top of an order: whoever gave it decides what follows
            log.exception("%s failed", verb)
            answer = (500, {"explain": f"{type(error).__name__}: {error}"})
        with self._lock:
            task.answer = answer
            if answer[0] == 200 and verb not in ASKS and task.step == self._step:
                self._done[task.order] = answer

    def _look(self, _: Mapping[str, Any]) -> dict[str, Any]:
        make_slots(self._door, self._uid, self._gid)
        return {
            "bytes": self._snapshots.measure(),
            "free": shutil.disk_usage(self._home).free,
            "open": find_open(self._door),
            "snapshots": self._snapshots.list(),
        }

    def _hold(self, said: Mapping[str, Any]) -> dict[str, Any]:
        return {"is_ready": hold(self._door / _slot(said))}

    def _begin(self, said: Mapping[str, Any]) -> dict[str, Any]:
        return {"is_in_order": begin(self._door / _slot(said))}

    def _close(self, _: Mapping[str, Any]) -> dict[str, Any]:
        close_door(self._door)
        return {}

    def _take(self, said: Mapping[str, Any]) -> dict[str, Any]:
        began = time.monotonic()
        self._snapshots.take(_name(said))
        return {"seconds": round(time.monotonic() - began, 3)}

    def _put_back(self, said: Mapping[str, Any]) -> dict[str, Any]:
        self._snapshots.put_back(_name(said))
        return {}

    def _open(self, said: Mapping[str, Any]) -> dict[str, Any]:
        open_door(self._door, str(said["slot"]))
        return {}

    def _clear(self, said: Mapping[str, Any]) -> dict[str, Any]:
        clear(self._door / _slot(said))
        return {}

    def _forget(self, said: Mapping[str, Any]) -> dict[str, Any]:
        self._snapshots.forget([str(name) for name in said["keep"]])
        return {}


def _name(said: Mapping[str, Any]) -> str:
    name = str(said["name"])
    if not name.isalnum():
        raise ValueError("a snapshot is named by letters and digits")
    return name


def _slot(said: Mapping[str, Any]) -> str:
    slot = str(said["slot"])
    if slot not in SLOTS:
        raise ValueError("there is no such slot")
    return slot


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def __init__(self, path: Path, attendant: Attendant, token: bytes) -> None:
        self.attendant, self.token, self.heard = attendant, token, time.monotonic()
        path.unlink(missing_ok=True)
        super().__init__(str(path), _Request)


class _Request(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10.0

    def do_POST(self) -> None:
        self.server.heard = time.monotonic()
        try:
            size = int(self.headers.get("Content-Length", "0"))
            # First of all: who closes with something unread cuts off the answer.
            sent = self.rfile.read(max(0, min(size, LONGEST_ORDER)))
            if not hmac.compare_digest(self.headers.get(HEADER, "").encode(), self.server.token):
                self._send(403, {"explain": "That is not the token of this upgrade."})
                return
            said = json.loads(sent or b"{}")
            self._send(*self.server.attendant.answer(self.path.strip("/"), dict(said)))
        except (ValueError, TypeError) as error:
            self._send(400, {"explain": str(error)})

    def address_string(self) -> str:
        return "the edge"

    def log_message(self, format: str, *args: object) -> None:
        log.info(format, *args)

    def _send(self, status: int, answer: Mapping[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def serve(attendant: Attendant, door: Path, gid: int, token: bytes) -> None:
    """Until nobody has given an order for a while. It may be ended at any instant: what it was
    told to do is told again to the next one."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # the first process has no default
    folder = door / SWAP
    folder.mkdir(mode=0o750, exist_ok=True)
    os.chown(folder, 0, gid)
    before = os.umask(0)
    server = _Server(folder / "http.sock", attendant, token)
    os.umask(before)
    server.timeout = 5.0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while time.monotonic() - server.heard < PATIENCE:
        time.sleep(1)


def main(words: list[str]) -> int:
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(message)s")
    parser = argparse.ArgumentParser(prog="attendant")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--door", type=Path, required=True)
    parser.add_argument("--uid", type=int, required=True)
    parser.add_argument("--gid", type=int, required=True)
    parser.add_argument("--immutable", action="append", default=[])
    told = parser.parse_args(words)
    attendant = Attendant(
        told.home, told.door, uid=told.uid, gid=told.gid, shared=tuple(told.immutable)
    )
    serve(attendant, told.door, told.gid, TOKEN.read_bytes().strip())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
