"""Have communities weighed, and their apps told how much they may have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from provisioner.core.place import Place
from provisioner.core.quotas import Weight
from provisioner.core.weighing import choose_due, plan_weigh_all, plan_weigh_one
from provisioner.engine.context import Context
from provisioner.engine.reports import find_report
from provisioner.errors import Unavailable, WeighingFailed
from provisioner.models.community import Community, CommunityState
from provisioner.models.disk import Disk
from provisioner.models.service import JobSpec, JobState

POLL_SECONDS, JOB_SECONDS = 0.2, 1800


def weigh_due(context: Context) -> int:
    """Everybody who is due, one job after another. Returns how many were weighed.

    Raises WeighingFailed or Unavailable; the next round goes on.
    """
    context.look_again()
    default, weighed = context.settings.quota_mb, set[str]()
    while True:
        running = [each for each in _list_running(context) if each.id not in weighed]
        due = choose_due(running, context.clock.now(), default)
        if not due:
            return len(weighed)
        _carry(context, lambda place: plan_weigh_all(due, default, place))  # noqa: B023 - at once
        weighed |= {each.id for each in due}


def weigh_now(context: Context, community: Community) -> Community:
    """This one alone. Raises as above."""
    default = context.settings.quota_mb
    _carry(context, lambda place: plan_weigh_one(community, default, place))
    return context.store.get_community(community.id)


def look_at_disk(context: Context) -> Disk:
    """The disk of the state folder, on this node."""
    room, here = context.room, next(n for n in context.engine.list_nodes() if n.is_here)
    return Disk(
        node_id=here.id,
        name=here.name,
        total=room.total_mb() * 2**20,
        free=room.free_mb() * 2**20,
        looked_at=context.clock.now(),
    )


def look_after_room(context: Context) -> None:
    """One round of the worker."""
    context.store.record_disk(look_at_disk(context))
    weigh_due(context)


def _carry(context: Context, plan: Callable[[Place], JobSpec]) -> None:
    """What an earlier one left behind goes first: it may have had another wish."""
    place = replace(context.place, nodes=tuple(context.engine.list_nodes()))
    job, engine = plan(place), context.engine
    name = job.service.name
    engine.remove_service(name)
    try:
        engine.start_job(job)
        _await(context, name)
        told = find_report(context, name)
    finally:
        engine.remove_service(name)
    if told is None or "error" in told:
        reason = str(told["error"]) if told else "it was cut off before it said what it found"
        raise WeighingFailed(f"{name}: {(told or {}).get('detail', '')}", reason=reason)
    _record(context, told)


def _await(context: Context, name: str) -> None:
    waited = 0.0
    while (state := context.engine.get_job_state(name)) is JobState.RUNNING:
        if waited > JOB_SECONDS:
            raise WeighingFailed(name, reason="it took longer than half an hour")
        context.clock.sleep(POLL_SECONDS)
        waited += POLL_SECONDS
    if state is JobState.MISSING:
        raise Unavailable(f"{name} is gone", part="somebody else who looks at the same")


def _record(context: Context, told: dict[str, Any]) -> None:
    """Raises WeighingFailed for a report that is not complete."""
    try:
        found = {
            str(id_): (Weight(int(data), int(kept), int(backups)), None if mb is None else int(mb))
            for id_, (data, kept, backups, mb) in told["weights"].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WeighingFailed(repr(error), reason="its report is not complete") from error
    context.store.record_weights(
        {id_: weight for id_, (weight, _) in found.items()},
        {id_: mb for id_, (_, mb) in found.items()},
        default_mb=context.settings.quota_mb,
        now=context.clock.now(),
    )


def _list_running(context: Context) -> list[Community]:
    limit = context.settings.max_communities
    return context.store.list_communities(state=CommunityState.RUNNING, limit=limit).rows
