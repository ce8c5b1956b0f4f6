"""The process table of this very machine: real processes and names."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from provisioner.agent.processes import (
    Vanished,
    open_first,
    open_process,
    read_small,
    read_status,
)

PROC = Path("/proc")
NOBODYS = "f" * 64


@contextmanager
def running(*command: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_number_that_is_used_again_is_not_the_same_process() -> None:
    with running("cat") as cat, open_process(PROC, cat.pid) as folder:
        assert read_small(folder, "stat")
        cat.kill()
        cat.wait()
        with pytest.raises(Vanished):
            read_small(folder, "stat")


def test_a_process_of_another_container_does_not_belong() -> None:
    with pytest.raises(Vanished), open_first(PROC, os.getpid(), NOBODYS):
        pass


def test_rights_are_read_and_a_name_cannot_fake_them() -> None:
    """prctl(2) PR_SET_NAME: the name stands in the same file as the rights."""
    script = (
        "import ctypes,sys\n"
        "ctypes.CDLL(None).prctl(15, b'x\\rCapBnd:\\t0', 0, 0, 0)\n"
        "print('ready', flush=True); sys.stdin.read()"
    )
    with running(sys.executable, "-c", script) as process:
        assert process.stdout
        process.stdout.readline()
        with open_process(PROC, process.pid) as folder:
            status = read_status(folder)
    with open_process(PROC, os.getpid()) as mine:
        wanted = read_status(mine)
    assert status.parent == os.getpid()
    assert status.capabilities == wanted.capabilities
