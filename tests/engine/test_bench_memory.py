"""What weighs is measured; what is down does not make the others look lighter."""

from __future__ import annotations

import os

from provisioner.core.place import name_of
from provisioner.engine.benchmarks.memory import bench_memory
from provisioner.engine.operations import run_operation
from tests.engine.test_create import ask
from tests.fakes import make_context


def test_a_community_that_is_down_weighs_nothing(tmp_path):
    context = make_context(tmp_path)
    made = []
    for name in ("The Smith Family", "The Jones Family"):
        community, operation = ask(context, name=name)
        run_operation(context, operation.id)
        made.append(community)
    awake = name_of(made[0], context.settings.stack)
    context.engine.list_pids = lambda service: [os.getpid()] if service == awake else []
    told = bench_memory(context)
    assert told["communities_measured"] == 1
    assert told["community_mb"] > 1
    context.engine.list_pids = lambda service: []
    assert bench_memory(context)["community_mb"] is None
