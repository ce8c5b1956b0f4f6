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
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="changes users")


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


def test_the_agent_knows_its_own_container_although_its_group_has_no_name(tmp_path: Path) -> None:
    """With a control group namespace of its own it reads `0::/` of itself."""
    process = tmp_path / "7"
    process.mkdir()
    (process / "cgroup").write_text("0::/\n")
    line = f"9 8 7:6 /docker/containers/{NOBODYS}/hosts /etc/hosts rw - ext4 /dev/x rw\n"
    (process / "mountinfo").write_text(line)
    with open_first(tmp_path, 7, NOBODYS) as folder:
        assert read_small(folder, "cgroup") == b"0::/\n"
    with pytest.raises(Vanished), open_first(tmp_path, 7, "e" * 64):
        pass
    (process / "mountinfo").write_text(line.replace("/etc/hosts", "/other/hosts"))
    with pytest.raises(Vanished), open_first(tmp_path, 7, NOBODYS):
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
    assert status.users == {os.getuid()}


@needs_root
def test_every_user_that_a_process_can_be_is_told() -> None:
    """setresuid(2): it runs as one user and can become another again."""
    script = (
        "import os,sys; os.setresuid(1234, 1235, 0)\nprint('ready', flush=True); sys.stdin.read()"
    )
    with running(sys.executable, "-c", script) as process:
        assert process.stdout
        process.stdout.readline()
        with open_process(PROC, process.pid) as folder:
            assert read_status(folder).users == {1234, 1235, 0}


@needs_root
def test_every_group_that_a_process_is_in_is_told() -> None:
    """setgroups(2) and setresgid(2)."""
    script = (
        "import os,sys; os.setgroups([997, 998]); os.setresgid(1234, 1235, 1236)\n"
        "print('ready', flush=True); sys.stdin.read()"
    )
    with running(sys.executable, "-c", script) as process:
        assert process.stdout
        process.stdout.readline()
        with open_process(PROC, process.pid) as folder:
            assert read_status(folder).groups == {997, 998, 1234, 1235, 1236}
