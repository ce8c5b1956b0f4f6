"""Nobody writes while it is not decided which version of the control plane stays.

A file beside the database says so. The worker does nothing meanwhile, and says whether it could.
The web answers behind a closed door: the edge holds people, and only the gateway asks it. Commands
on this machine are refused.
"""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from pathlib import Path

from provisioner.core.control_plane import CONTROL_UID, EDGE_UID
from provisioner.errors import BeingUpgraded
from provisioner.files import share, write_atomically
from provisioner.settings import Settings

SLOT = "a"  # the gateway's name for the door behind which the web stands by
SOCKET = "http.sock"


def is_standing_by(settings: Settings) -> bool:
    return settings.standby_file.exists()


def begin_standby(settings: Settings) -> None:
    """From now on the worker takes nothing new, and a web that starts lets nobody in."""
    write_atomically(settings.standby_file, b"")
    settings.ready_file.unlink(missing_ok=True)
    behind = settings.web_dir / SLOT
    behind.mkdir(mode=0o750, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(behind, CONTROL_UID, EDGE_UID)


def end_standby(settings: Settings) -> None:
    settings.standby_file.unlink(missing_ok=True)
    settings.ready_file.unlink(missing_ok=True)


# -- the web's door --------------------------------------------------------------------------------


def choose_door(settings: Settings, bind: str) -> str:
    """Where the web listens that was told to listen at `bind`, e.g. `unix:/run/web/http.sock`."""
    path = Path(bind.removeprefix("unix:"))
    if str(path) == bind or not is_standing_by(settings):
        return bind
    return f"unix:{path.parent / SLOT / path.name}"


def close_door(settings: Settings) -> None:
    """Who comes from now on is held by the edge; who is inside is served to the end."""
    with suppress(FileNotFoundError):
        (settings.web_dir / SOCKET).rename(settings.web_dir / "left.sock")


def open_door(settings: Settings) -> None:
    """To the web that stands by: its socket is moved, and it notices nothing. May be repeated, also
    when it was started anew meanwhile and opened its door itself."""
    behind, public = settings.web_dir / SLOT / SOCKET, settings.web_dir / SOCKET
    if _answers(behind) and not _answers(public):
        behind.rename(public)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.settimeout(1)
        try:
            caller.connect(str(path))
        except OSError:
            return False
        return True


# -- the worker ------------------------------------------------------------------------------------


def report_ready(settings: Settings, reached: dict[str, object]) -> None:
    """By a worker that stands by, once it reaches the database, the queue and Docker."""
    if not settings.ready_file.exists():
        write_atomically(settings.ready_file, json.dumps(reached).encode())


def is_worker_ready(settings: Settings) -> bool:
    return settings.ready_file.exists()


# -- commands on this machine ----------------------------------------------------------------------


def take_turn(settings: Settings) -> int | None:
    """What a command holds for as long as it may write; None where there is nothing to hold.

    Raises BeingUpgraded while nobody may write.
    """
    try:
        held = share(settings.db_dir)
    except OSError:  # nothing is set up here, or this is somebody who cannot write anyway
        return None
    if held is None:
        raise BeingUpgraded
    if is_standing_by(settings):
        os.close(held)
        raise BeingUpgraded
    return held
