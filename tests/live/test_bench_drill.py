"""The benchmark of a drill really drills; how fast it is, is for the benchmark to say."""

from __future__ import annotations

import os

import pytest

from provisioner.engine.benchmarks.drill import bench_drill
from provisioner.engine.context import Context

pytestmark = pytest.mark.live
MEGABYTES = int(os.environ.get("TAARAFO_TEST_DRILL_MB", "20"))


def test_a_drill_is_measured_beside_restic_alone(control_plane, state):
    told = bench_drill(Context(state), megabytes=MEGABYTES, rounds=1, say=print)
    print(told)
    assert told["seconds"] > told["bare_seconds"] > 0
    assert told["megabytes"] >= MEGABYTES
    assert told["rows"] > 0
    assert Context(state).store.list_communities(search="bench").total == 0
