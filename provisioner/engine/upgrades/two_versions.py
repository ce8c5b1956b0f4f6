"""The two versions of a swap, the one that goes and the one that comes: what is done to either."""

from __future__ import annotations

from dataclasses import replace

from provisioner.core.place import name_service
from provisioner.core.planning import Plan
from provisioner.core.swap import Swap, as_it_will_be, is_carried_out, read_swap
from provisioner.engine.upgrades.attendance import dismiss_attendant
from provisioner.engine.work import Work
from provisioner.errors import AppFailed, Unavailable
from provisioner.models.release import Release
from provisioner.models.service import ServiceSpec

QUICK = 0.02  # seconds between two looks while members wait
COPIED_WITHIN = 900  # seconds


def swap_of(work: Work) -> Swap:
    return read_swap(work.operation.asked)


def is_settled(work: Work) -> bool:
    """Whether there is no way back any more."""
    return is_carried_out(work.community, swap_of(work))


def new_release(work: Work) -> Release:
    return work.read_release(swap_of(work).release)


def new_plan(work: Work) -> Plan:
    return work.plan_as(as_it_will_be(work.community, swap_of(work)), new_release(work))


def old_plan(work: Work) -> Plan:
    """Only before it is settled: then the community's row says what ran before."""
    return work.plan


def stop(work: Work, service: ServiceSpec, seconds: int | None = None) -> None:
    engine = work.context.engine
    if seconds is not None:
        service = replace(service, stop_grace_seconds=seconds)
    engine.stop_service(service)
    if not engine.has_stopped(service.name):
        raise Unavailable(f"{service.name} still runs", part="the last word to be written")


def stop_job(work: Work, name: str) -> None:
    engine = work.context.engine
    if engine.is_starting(name):
        raise Unavailable(f"{name} starts", part="the last word to be written")
    engine.remove_service(name)


def refuse_crashed(work: Work, service: ServiceSpec) -> None:
    engine = work.context.engine
    if engine.has_crashed(service.name):
        for line in engine.read_logs(service.name, lines=20):
            work.log(line)
        raise AppFailed(f"{service.name} ended by itself")


def await_health(work: Work, service: ServiceSpec, release: Release, slot: str) -> None:
    path = release.recipe.app.health
    status = work.context.gateway.get_status(work.community_host, path, door=slot)
    if status != 200:
        task = work.context.engine.find_task(service.name)
        said = f"{task.state} {task.message}" if task else "no task"
        raise Unavailable(f"health {status}; {said}", part="your community to wake up")


def remove_twin(work: Work, runs_as: str) -> None:
    if swap_of(work).has_twin:
        work.context.engine.remove_service(name_service(work.name, runs_as))


def clear_away(work: Work, plan: Plan) -> None:
    """Everything of this upgrade that `plan` does not need."""
    engine = work.context.engine
    dismiss_attendant(work)
    for verb in ("fetch", "migrate"):
        engine.remove_service(f"{work.name}-{verb}")
    for found in engine.list_named(f"{work.name}-c"):
        kind, _, name = found.partition(":")
        if kind == "config" and name not in plan.configs:
            engine.remove_config(name)
