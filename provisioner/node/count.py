"""Count the rows of an app that was started on what a backup brought back.

python3 -m provisioner.node.count '{"health": "/healthz", "copies": …, "rows": …}'
"""

from __future__ import annotations

import http.client
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provisioner.core.tally import compare_rows
from provisioner.errors import BackupFailed
from provisioner.node.listing import count_rows
from provisioner.node.places import INSIDE, Places
from provisioner.node.report import run_job

HEALTHY_WITHIN = 60.0  # seconds
POLL_SECONDS = 0.05


def count(wish: Mapping[str, Any], places: Places = INSIDE) -> dict[str, Any]:
    """The rows, once the app answers. Raises BackupFailed when it does not, or they differ."""
    folder = places.target.joinpath(*places.data.parts[1:])
    _await_health(places.target / "edge" / "http.sock", str(wish["health"]))
    try:
        rows = count_rows({live: folder / live for live in wish["copies"]}, is_still=False)
    except ValueError as error:
        raise BackupFailed(str(error), reason=str(error)) from error
    if flaws := compare_rows(wish["rows"], rows):
        raise BackupFailed("; ".join(flaws), reason="; ".join(flaws))
    return {"rows": rows}


def _await_health(door: Path, path: str) -> None:
    ends = time.monotonic() + HEALTHY_WITHIN
    said = "nothing"
    while time.monotonic() < ends:
        try:
            status = _ask(door, path)
            if status == http.HTTPStatus.OK:
                return
            said = str(status)
        except (OSError, http.client.HTTPException) as error:
            said = repr(error)
        time.sleep(POLL_SECONDS)
    raise BackupFailed(said, reason="what was brought back does not start")


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


if __name__ == "__main__":
    sys.exit(run_job("count", count))
