"""End in peace: what SIGTERM and SIGINT ask for is done by a thread of its own."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable


def when_asked(end: Callable[[], object]) -> None:
    """Call `end` once, when SIGTERM or SIGINT came. Only for the main thread.

    What handles a signal runs in the main thread, in the middle of whatever that does. If it set an
    Event there, it could wait for a lock that the main thread itself holds. So it only writes to a
    pipe, and another thread reads that.
    """
    told, tell = os.pipe()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: os.write(tell, b"."))

    def wait() -> None:
        os.read(told, 1)
        end()

    threading.Thread(target=wait, name="when asked", daemon=True).start()
