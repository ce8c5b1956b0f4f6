"""A run that was killed leaves an engine behind; the next run removes all of it, and no more."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.live.engine import find_cgroups, find_mounts, read_note, remove_leftovers, stop_engine
from tests.live.processes import Process, get_process

pytestmark = pytest.mark.live

RUN = """
import signal
from tests.live.engine import reserve_engine, start_engine
engine = reserve_engine()
start_engine(engine)
print(engine.folder, flush=True)
signal.pause()
"""


@pytest.fixture
def killed_run():
    """The folder of an engine whose run was ended by SIGKILL."""
    with subprocess.Popen([sys.executable, "-c", RUN], stdout=subprocess.PIPE, text=True) as run:
        folder = Path(run.stdout.readline().strip())
        run.send_signal(signal.SIGKILL)
    return folder


def test_next_run_removes_everything_of_a_killed_one(engine, killed_run):
    daemons = read_note(killed_run / "run.json").daemons
    assert len(daemons) == 2
    assert killed_run.name in remove_leftovers()
    assert not killed_run.exists()
    assert not (Path("/run/netns") / killed_run.name).exists()
    assert not find_mounts(killed_run)
    assert not list(find_cgroups(killed_run.name))
    assert not any(daemon.is_running for daemon in daemons)


def test_engine_of_a_living_run_is_left_alone(engine):
    assert engine.folder.name not in remove_leftovers()
    assert engine.folder.exists()


def test_program_that_got_a_reused_number_is_never_ended(engine, tmp_path):
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        now = get_process(bystander.pid)
        stale = asdict(Process(now.pid, now.started - 1))
        note = tmp_path / "tt.0" / "run.json"
        note.parent.mkdir()
        note.write_text(json.dumps({"runner": stale, "daemons": [stale]}))
        stop_engine(read_note(note))
        assert bystander.poll() is None
        assert not note.parent.exists()
    finally:
        bystander.kill()
        bystander.wait()


def test_process_that_ended_is_not_running():
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    process = get_process(child.pid)
    child.wait()
    assert not process.is_running
    assert get_process(os.getpid()).is_running
