"""Bring one backup back, and count the rows of the app that is started on it meanwhile.

What never changes once it is written is by far the most, and no app needs it to wake up. So it
comes at the same time as the rest, into a folder beside; the app is started as soon as the rest is
there, and what came beside is put in its place once it is whole.

python3 -m provisioner.node.drill '{"repository": …, "snapshot": …, "later": ["media"], "tally": …}'
"""

from __future__ import annotations

import http.client
import socket
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

from provisioner.core.tally import Tally, compare_rows, compare_tallies, make_tally
from provisioner.errors import BackupFailed
from provisioner.node.listing import count_copies, count_rows, list_files
from provisioner.node.places import INSIDE, Places
from provisioner.node.report import AWAKE, BACK, WHOLE, run_job, say
from provisioner.node.restic import Repository

ASIDE = "aside"  # what the app wrote where something was still to come
POLL_SECONDS = 0.02


def drill(wish: Mapping[str, Any], places: Places = INSIDE) -> dict[str, Any]:
    """The rows, and the seconds since restic was started until they were counted.

    Says BACK when the app may be started, WHOLE when all is there, and AWAKE when the app answers;
    it waits for the app as long as it is let. Raises BackupFailed when anything is not as it was.
    """
    wanted, copies = Tally.from_json(wish["tally"]), dict(wish["copies"])
    snapshot, later = str(wish["snapshot"]), [places.data / name for name in wish["later"]]
    repository = places.open_repository(wish)
    beside = replace(places, target=places.target / "later")
    began = time.monotonic()
    coming = _begin(lambda: _bring_later(repository, snapshot, beside.target, later))
    repository.bring_back(snapshot, places.target, but=[folder / "*" for folder in later])
    rows = count_copies(copies, {copy: places.restored / copy for copy in copies.values()})
    files = list_files(places.restored)
    _refuse(compare_rows(wanted.rows, rows))
    say(BACK)
    coming.result()
    restored = time.monotonic() - began
    files |= list_files(beside.restored)
    _refuse(compare_tallies(wanted, make_tally(files, rows)))
    for name in wish["later"]:
        _put_in(beside.restored / name, places.restored / name)
    say(WHOLE)
    _await_health(places.target / "edge" / "http.sock", str(wish["health"]))
    say(AWAKE)
    living = _count_living({live: places.restored / live for live in copies})
    _refuse(compare_rows(wanted.rows, living))
    seconds = time.monotonic() - began
    return {"rows": living, "restore_seconds": round(restored, 2), "seconds": round(seconds, 2)}


def _begin(task: Callable[[], None]) -> Future[None]:
    """Do it meanwhile. It does not keep a job alive that has failed otherwise."""
    future: Future[None] = Future()

    def carry() -> None:
        try:
            task()
        except Exception as error:
            future.set_exception(error)
        else:
            future.set_result(None)

    Thread(target=carry, daemon=True).start()
    return future


def _bring_later(repository: Repository, snapshot: str, target: Path, later: list[Path]) -> None:
    if later:
        repository.bring_back(snapshot, target, only=later)


def _put_in(came: Path, place: Path) -> None:
    """One folder for the other. What the app made of the empty one meanwhile is set aside."""
    if came.is_dir():
        if place.is_dir():
            place.rename(came.with_name(f"{came.name}.{ASIDE}"))
        came.rename(place)


def _await_health(door: Path, path: str) -> None:
    said: set[str] = set()  # each only once: whoever reads sees the last lines alone
    while True:
        try:
            status = _ask(door, path)
            if status == http.HTTPStatus.OK:
                return
            answer = f"the app answers {status}"
        except (OSError, http.client.HTTPException) as error:
            answer = f"the app does not answer: {error!r}"
        if answer not in said:
            said.add(answer)
            say(answer)
        time.sleep(POLL_SECONDS)


def _ask(door: Path, path: str) -> int:
    connection = http.client.HTTPConnection("localhost", timeout=5)
    connection.sock = socket.socket(socket.AF_UNIX)
    try:
        connection.sock.settimeout(5)
        connection.sock.connect(str(door))
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def _count_living(databases: Mapping[str, Path]) -> dict[str, int]:
    try:
        return count_rows(databases, is_still=False)
    except ValueError as error:
        raise BackupFailed(str(error), reason=str(error)) from error


def _refuse(flaws: tuple[str, ...]) -> None:
    if flaws:
        raise BackupFailed("; ".join(flaws), reason="; ".join(flaws))


if __name__ == "__main__":
    sys.exit(run_job("drill", drill))
