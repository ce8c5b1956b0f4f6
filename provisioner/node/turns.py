"""Tell an app that takes turns when its own has come, by a file in the folder of its door.

What was told lasts through a power cut before anybody relies on it. Without the file, an app that
the engine starts again would begin beside its predecessor; with its old name, it would not begin.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from provisioner.core.turn import BEGIN, READY, WAIT, WAITING
from provisioner.files import sync_folder


def hold(slot: Path) -> bool:
    """Make an app wait that is started from now on; whether it is ready and waits already."""
    if (slot / READY).exists():
        return True
    (slot / BEGIN).unlink(missing_ok=True)
    with suppress(FileExistsError):  # "x" follows no link: the folder belongs to the app's user
        (slot / WAIT).open("xb").close()
    sync_folder(slot)
    return False


def begin(slot: Path) -> bool:
    """Give it its turn; whether it has put its data in order since."""
    for waiting in WAITING:
        with suppress(FileNotFoundError):
            (slot / waiting).rename(slot / BEGIN)
            sync_folder(slot)
    return not (slot / BEGIN).exists()


def clear(slot: Path) -> None:
    """Nobody waits there any more."""
    for name in (*WAITING, BEGIN):
        (slot / name).unlink(missing_ok=True)
