"""Name a running program so that a reused process number is never taken for it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

KILL_SECONDS = 5.0


@dataclass(frozen=True)
class Process:
    """A process number with the moment it started, in clock ticks since boot."""

    pid: int
    started: int

    @property
    def is_running(self) -> bool:
        return read_start(self.pid) == self.started

    def send(self, sign: signal.Signals) -> None:
        """One that is gone is fine."""
        if self.is_running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, sign)

    def kill(self) -> None:
        """End it at once and wait until it is gone."""
        self.send(signal.SIGKILL)
        deadline = time.monotonic() + KILL_SECONDS
        while self.is_running and time.monotonic() < deadline:
            time.sleep(0.01)


def get_process(pid: int) -> Process:
    started = read_start(pid)
    if started is None:
        raise ProcessLookupError(pid)
    return Process(pid, started)


def read_start(pid: int) -> int | None:
    """Field 22 of /proc/<pid>/stat; None when there is no such process or it is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else int(fields[19])
