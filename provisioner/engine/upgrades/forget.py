"""Forget what was kept before an upgrade, once nobody can go back to it any more.

What members deleted since is still in it: it must not stay longer than is promised.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from provisioner.core.node_jobs import plan_forget
from provisioner.engine.context import Context
from provisioner.engine.create_steps import await_job
from provisioner.engine.work import StepPlan, Work
from provisioner.errors import Conflict
from provisioner.models.operation import OperationKind

BY = "by itself"


def forget_kept(context: Context) -> int:
    """Ask for it wherever it is due. Returns how many were asked for."""
    window = timedelta(days=context.settings.rollback_days)
    asked = 0
    for community_id in context.store.list_kept_since(context.clock.now() - window):
        with suppress(Conflict):  # something else is being done with it: the next round asks again
            operation = context.store.request_upkeep(
                community_id,
                OperationKind.FORGET,
                now=context.clock.now(),
                requested_by=BY,
            )
            context.waker.wake(operation.id)
            asked += 1
    return asked


def forget_snapshots(work: Work) -> None:
    """Nobody can ask to go back to it from before it is erased; until it is, it is tried again."""
    work.change(before="")
    job, engine = plan_forget(work.community, work.place_on_nodes), work.context.engine
    engine.start_job(job)
    await_job(work, job.service.name, "what was kept to be erased")
    engine.remove_service(job.service.name)
    work.change(snapshot="")


FORGET_STEPS = (StepPlan("forget_snapshots", forget_snapshots, poll_seconds=0.1),)
