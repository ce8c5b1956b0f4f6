"""A wave of upgrades on the real worker: all come through, and nothing of them stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from provisioner.engine.benchmarks.wave import bench_wave, remove_leftovers
from provisioner.engine.context import Context
from provisioner.models.community import GONE
from provisioner.settings import ROOT
from tests.live.community import wait_until

pytestmark = pytest.mark.live
MANY = int(os.environ.get("TAARAFO_TEST_WAVE", "2"))


@pytest.fixture(scope="module")
def context(control_plane, state):
    return Context(state)


def list_ours(context):
    rows = context.store.list_communities(search="Wave ", limit=100).rows
    return [row for row in rows if row.state not in GONE]


def test_all_come_through_and_nothing_stays(context):
    told = bench_wave(context, communities=MANY, say=print)
    print(json.dumps(told))
    left = ("failed", "stranded", "operations_left", "not_running")
    assert [told[name] for name in left] == [0, 0, 0, 0]
    assert told["p50_seconds"] <= told["p95_seconds"] <= told["seconds"]
    assert 0 < told["worker_mb_before"] <= told["worker_mb_peak"]
    assert list_ours(context) == []


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_what_an_ended_run_made_is_removed(context, state, sign):
    """By itself when it is asked to end, by the next run when it was killed."""
    told = {
        "TAARAFO_STATE": str(state.state),
        "TAARAFO_PORT": str(state.port),
        "TAARAFO_DOCKER_HOST": state.docker_host,
    }
    words = [sys.executable, "cli.py", "bench", "wave", "--communities", "1"]
    with subprocess.Popen(words, cwd=ROOT, env={**os.environ, **told}) as run:
        wait_until(lambda: list_ours(context), "it has begun")
        run.send_signal(sign)
        run.wait(120)
    if sign == signal.SIGKILL:
        remove_leftovers(context, print)
    assert list_ours(context) == []
