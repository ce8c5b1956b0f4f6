"""Which of a community's two sockets the edge finds at its address.

Below the edge's folder of one host: `a/http.sock` and `b/http.sock`, each in the one folder that a
container has, and `http.sock`, a link to the one that is open. A link to nothing closes the door:
the edge then holds who comes, until it leads somewhere again.
"""

from __future__ import annotations

import os
from pathlib import Path

from provisioner.files import UNFINISHED, sync_folder

SLOTS = ("a", "b")
CLOSED = "closed/http.sock"
SOCKET = "http.sock"
MOST_DIGITS = 12
QUOTA = "quota"  # how many MB the community may have, for its app to read


def make_slots(folder: Path, uid: int, gid: int) -> None:
    """A folder for each slot, for the app's user and the edge's group alone."""
    for slot in SLOTS:
        path = folder / slot
        path.mkdir(mode=0o750, exist_ok=True)
        os.chown(path, uid, gid)
    _tell_same_quota(folder)


def close_door(folder: Path) -> None:
    """Whoever is inside already is served to the end; who comes now is held."""
    _point(folder, CLOSED)


def open_door(folder: Path, slot: str) -> None:
    """Let in, to this slot, all who wait. "" is a community made before there were slots: its
    own socket takes the place of the link when it starts."""
    if slot:
        _point(folder, f"{slot}/{SOCKET}")


def find_open(folder: Path) -> str:
    """The slot that is open; "" when it is closed, or has no slots."""
    link = folder / SOCKET
    slot = link.readlink().parts[0] if link.is_symlink() else ""
    return slot if slot in SLOTS else ""


def _point(folder: Path, target: str) -> None:
    """All at once: nobody ever finds no link."""
    fresh = folder / f".{SOCKET}{UNFINISHED}"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(folder / SOCKET)
    sync_folder(folder)


def _tell_same_quota(folder: Path) -> None:
    """The version that comes is told what the one that serves was told."""
    told = folder / find_open(folder) / QUOTA
    if told.is_symlink() or not told.is_file():
        return  # none was told; the folder belongs to the app's user, so no link is followed
    text = told.read_bytes()[:MOST_DIGITS]
    for slot in SLOTS:
        path, fresh = folder / slot / QUOTA, folder / slot / f".{QUOTA}{UNFINISHED}"
        fresh.unlink(missing_ok=True)
        with fresh.open("xb") as file:
            file.write(text)
        fresh.chmod(0o644)
        fresh.replace(path)
