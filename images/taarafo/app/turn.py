"""Wait beside the version before until it has ended: told by a file in the folder of our socket.

The app contract names it `wait`, then we name it `ready`; when it is named `begin`, our turn has
come, and we take it away once the data is in order. Without a file nobody else is here.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

WAIT, READY, BEGIN = "wait", "ready", "begin"
LOOK_SECONDS = 0.02  # members wait for us
LONG_SECONDS, SELDOM_SECONDS = 30.0, 0.25  # after so long, nobody is in a hurry


def await_turn(folder: Path) -> None:
    """Say that we are ready, and return when our turn has come: at once where nobody holds us."""
    with suppress(FileNotFoundError):
        (folder / WAIT).rename(folder / READY)
    began = time.monotonic()
    while (folder / READY).exists():
        is_long = time.monotonic() - began > LONG_SECONDS
        time.sleep(SELDOM_SECONDS if is_long else LOOK_SECONDS)


def say_in_order(folder: Path) -> None:
    (folder / BEGIN).unlink(missing_ok=True)
