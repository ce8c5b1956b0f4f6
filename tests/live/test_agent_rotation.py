"""The agent takes a new key by one command: every check meanwhile is good, and so it stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from provisioner.agent.rotate import open_signers
from provisioner.core.appraisal.agents import read_agent_list
from provisioner.core.appraisal.rotation import trace_keys
from provisioner.engine.checks.attest import check_community
from provisioner.engine.checks.check import AGENTS_PATH
from provisioner.engine.context import Context
from provisioner.engine.releases.enrol import agents_path
from provisioner.models.verdict import Outcome
from provisioner.settings import ROOT
from tests.live.community import wait_until

pytestmark = pytest.mark.live
KILLED_AT = (0.3, 0.45, 0.6, 0.7, 0.8, 0.9, 0.95)  # of the time that a whole one takes


@pytest.fixture(scope="module")
def context(control_plane, state):
    return Context(state)


@pytest.fixture
def good(context, state):
    """Checks all the time while the test runs; the verdicts that were not GENUINE."""
    ended, bad, count = threading.Event(), [], []

    def look():
        while not ended.is_set():
            verdict = check_community(context, state.address, is_asked=len(count) % 2 == 0)
            count.append(verdict.outcome)
            if verdict.outcome is not Outcome.GENUINE:
                bad.append(verdict)

    thread = threading.Thread(target=look)
    thread.start()
    yield bad
    ended.set()
    thread.join()
    assert len(count) >= 3, "it was looked at, however busy the machine was"


def rotate(state):
    command = [sys.executable, str(ROOT / "cli.py"), "agent", "rotate", "--json"]
    told = {"TAARAFO_STATE": str(state.state), "TAARAFO_DOCKER_HOST": state.docker_host}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **told}
    )


def run_for(command, seconds):
    """Kill it by then; returns how long it ran."""
    began = time.monotonic()
    try:
        command.wait(seconds)
    except subprocess.TimeoutExpired:
        command.send_signal(signal.SIGKILL)
    return time.monotonic() - began


def published(context, state):
    return read_agent_list(context.gateway.get_bytes(state.base_host, AGENTS_PATH))


def test_by_one_command_it_is_good_at_every_moment(context, state, good):
    (before,) = published(context, state).agents
    began = time.monotonic()
    command = rotate(state)
    out, said = command.communicate(timeout=60)
    assert command.returncode == 0, said
    assert time.monotonic() - began < 15
    done = json.loads(out)
    listed = published(context, state)
    assert (done["before"], done["keyid"]) == (before.keyid, listed.agents[0].keyid)
    assert before.keyid != listed.agents[0].keyid
    assert trace_keys(listed, before.host_id) == (before, *listed.agents)
    assert check_community(context, state.address, is_asked=True).outcome is Outcome.GENUINE
    time.sleep(2)
    assert good == []


def test_killed_anywhere_it_is_good_and_the_next_one_finishes_it(context, state, good):
    first = published(context, state).agents[0]
    killed, whole = 0, run_for(rotate(state), 60)
    for part in KILLED_AT:
        command = rotate(state)
        seconds = run_for(command, part * whole)
        command.communicate()
        killed += command.returncode == -signal.SIGKILL
        if command.returncode == 0:
            whole = min(whole, seconds)  # the one before was slow
        verdict = check_community(context, state.address, is_asked=True)
        assert verdict.outcome is Outcome.GENUINE, verdict
    assert killed >= len(KILLED_AT) // 2
    command = rotate(state)
    _, said = command.communicate(timeout=60)
    assert command.returncode == 0, said
    listed = read_agent_list(agents_path(context).read_bytes())
    keys = trace_keys(listed, first.host_id)
    assert first in keys
    assert keys[-1] == listed.agents[0]
    wait_until(
        lambda: open_signers(state.agent_dir).current.public == listed.agents[0],
        "the agent has left the old key",
        10,
    )
    assert good == []
