"""Another version of this project in a folder of its own, and its `up` on the tests' engine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from provisioner.core.own_upgrade import Phase
from provisioner.engine.machine.own_journal import find_journal
from provisioner.settings import ROOT, Settings
from tests.conftest import Engine, proxy_variables

LEFT_OUT = (".*", "__pycache__", "tests", "docs")
ORDER = list(Phase)


def make_checkout(folder: Path) -> Path:
    checkout = folder / "checkout"
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(*LEFT_OUT))
    return checkout


def start_up(checkout: Path, engine: Engine, state: Settings, *more: str) -> subprocess.Popen[str]:
    told = {
        **os.environ,
        **proxy_variables(engine),
        "TAARAFO_STATE": str(state.state),
        "TAARAFO_PORT": str(state.port),
        "TAARAFO_DOCKER_HOST": state.docker_host,
    }
    return subprocess.Popen(
        [sys.executable, "cli.py", "up", "--json", *more],
        cwd=checkout,
        env=told,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_up(
    checkout: Path, engine: Engine, state: Settings, *more: str
) -> tuple[int, dict[str, object], str]:
    """Exit code, what it printed as JSON, and what it said."""
    with start_up(checkout, engine, state, *more) as up:
        printed, said = up.communicate(timeout=240)
    print(said)
    return up.returncode, json.loads(printed or "{}"), said


def run_up_killed(checkout: Path, engine: Engine, state: Settings, phase: Phase) -> Phase:
    """Killed as soon as it has written down this phase; returns the one that is written then."""
    with start_up(checkout, engine, state) as up:
        await_phase(up, state, phase)
        up.kill()
        print(up.communicate()[1])
    assert up.returncode == -signal.SIGKILL
    journal = find_journal(state)
    assert journal is not None
    return journal.phase


def run_up_while(
    checkout: Path, engine: Engine, state: Settings, phase: Phase, break_it: Callable[[], None]
) -> int:
    """Something is broken as soon as it has written down this phase; returns its exit code."""
    with start_up(checkout, engine, state) as up:
        await_phase(up, state, phase)
        break_it()
        print(up.communicate(timeout=240)[1])
    return up.returncode


def await_phase(up: subprocess.Popen[str], state: Settings, phase: Phase) -> None:
    while up.poll() is None:
        journal = find_journal(state)
        if journal and ORDER.index(journal.phase) >= ORDER.index(phase):
            return
        time.sleep(0.005)
