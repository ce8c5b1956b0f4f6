"""Another network namespace, for the thread that enters it."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

NEW_NETWORK = 0x40000000  # CLONE_NEWNET of setns(2)


def enter_network(namespace: Path) -> None:
    """For the thread that calls it, and for what it starts. Raises OSError."""
    with namespace.open() as network:
        if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), NEW_NETWORK):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
