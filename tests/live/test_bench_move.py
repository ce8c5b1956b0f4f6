"""The benchmark of a move really moves; how fast it is, is for the benchmark to say."""

from __future__ import annotations

import os

import pytest

from provisioner.engine.benchmarks.move import bench_move
from provisioner.engine.context import Context

pytestmark = pytest.mark.live
MEGABYTES = int(os.environ.get("TAARAFO_TEST_MOVE_MB", "20"))


def test_a_move_is_measured_beside_restic_alone(control_plane, state):
    told = bench_move(Context(state), megabytes=MEGABYTES, say=print)
    print(told)
    assert told["seconds"] > told["bare_seconds"] > 0
    assert told["megabytes"] >= MEGABYTES
    assert told["rows"] > 0
    assert Context(state).store.list_communities(search="bench").total == 0
    assert not (state.state / "bench-move").exists()
