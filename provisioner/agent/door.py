"""The door of the agent: a Unix socket on which the edge brings it questions."""

from __future__ import annotations

import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from provisioner.agent.challenge import Answer, nothing_here, say
from provisioner.agent.request import TooLarge, drain, receive

PATH = "/.well-known/taarafo/challenge"
REPORTS = "/.well-known/taarafo/evidence"
CALLERS = 16  # who are listened to at once
_WAITING = 64  # who stand outside
_WRITE_SECONDS = 10.0
_PAUSE_SECONDS = 0.1

# (host, body) -> answer
Ask = Callable[[str, bytes], Answer]


@dataclass(frozen=True)
class Own:
    """What is answered in the name of this host alone, where a community runs on several.

    `tell` gives the report that is there for everybody.
    """

    host_id: str
    tell: Callable[[str], Answer]


@dataclass(frozen=True)
class Rooms:
    """What is behind the door."""

    ask: Ask
    own: Own | None = None

    def find(self, path: str) -> tuple[str, Ask] | None:
        """The method that a path is asked with, and who answers."""
        if path == PATH or (self.own and path == f"{PATH}/{self.own.host_id}"):
            return "POST", self.ask
        if self.own and path == f"{REPORTS}/{self.own.host_id}.dsse":
            tell = self.own.tell
            return "GET", lambda host, _: tell(host)
        return None


@contextmanager
def open_door(path: Path, ask: Ask, own: Own | None = None) -> Iterator[None]:
    """Answers at `path` until the block ends. The edge is another user, so all may write to it.

    It answers at the same place in a folder named like this host too, as all hosts are asked.
    """
    path.unlink(missing_ok=True)
    if own:
        with suppress(FileExistsError):
            (path.parent / own.host_id).symlink_to(".")
    closed = threading.Event()
    with socket.socket(socket.AF_UNIX) as door, ThreadPoolExecutor(CALLERS) as callers:
        door.bind(str(path))
        path.chmod(0o666)
        door.listen(_WAITING)
        doorman = threading.Thread(target=_let_in, args=(door, closed, callers, Rooms(ask, own)))
        doorman.start()
        try:
            yield
        finally:
            closed.set()
            door.shutdown(socket.SHUT_RDWR)  # wakes the doorman up
            doorman.join()


def _let_in(
    door: socket.socket, closed: threading.Event, callers: ThreadPoolExecutor, rooms: Rooms
) -> None:
    """One at a time, and no more than are listened to at once: the others wait outside."""
    free = threading.BoundedSemaphore(CALLERS)
    while not closed.is_set():
        free.acquire()
        try:
            caller, _ = door.accept()
        except OSError:  # it was closed, or there is no room for one more just now
            free.release()
            closed.wait(_PAUSE_SECONDS)
        else:
            callers.submit(_hear, caller, rooms).add_done_callback(lambda _: free.release())


def _hear(caller: socket.socket, rooms: Rooms) -> None:
    """One answer a connection. Nobody minds a caller who has gone away."""
    with caller, suppress(OSError):
        _send(caller, _answer(caller, rooms))
        caller.shutdown(socket.SHUT_WR)
        drain(caller)  # closing over unread bytes would take the answer away again


def _answer(caller: socket.socket, rooms: Rooms) -> Answer:
    try:
        head, body = receive(caller)
    except TimeoutError:
        return say(408, "The question took too long to arrive.")
    except TooLarge:
        return say(413, "The question is too long.")
    except (ValueError, OSError):
        return say(400, "This is not a request that can be read.")
    found = rooms.find(head.path.partition("?")[0])
    if not found:
        return nothing_here()
    method, ask = found
    if head.method != method:
        what = "Send the question with POST." if method == "POST" else "This can only be read."
        return say(405, what)
    try:
        return ask(head.host, body)
    except Exception:  # the top of one request: the others go on
        traceback.print_exc(file=sys.stderr)
        return say(500, "It could not be measured just now. Ask again in a minute.")


def _send(caller: socket.socket, answer: Answer) -> None:
    head = [
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
        "Content-Type: application/json",
        f"Content-Length: {len(answer.body)}",
        "Connection: close",
    ]
    if answer.retry_after:
        head.append(f"Retry-After: {answer.retry_after}")
    caller.settimeout(_WRITE_SECONDS)
    caller.sendall("\r\n".join([*head, "", ""]).encode("ascii") + answer.body)
