"""The steps that put another version in the place of the one that runs, and those that undo it.

Members notice a short wait. From `close_door` to `open_door` the edge holds them, and nobody
writes: the snapshot has every word that was acknowledged, and when the new version does not prove
itself, nothing that anybody wrote is in it alone. Each step may be run again after a crash at any
instant.
"""

from __future__ import annotations

from dataclasses import replace

from provisioner.core.place import home_dir
from provisioner.core.planning import Plan, plan_command, plan_fetch
from provisioner.core.probes import plan_probes
from provisioner.core.swap import Swap, as_it_will_be, is_carried_out, read_swap
from provisioner.engine.create_steps import attest, await_job
from provisioner.engine.keys import mint_secrets_for
from provisioner.engine.upgrades.attendance import call_attendant, dismiss_attendant, give_order
from provisioner.engine.work import StepPlan, Work
from provisioner.errors import NotEnoughRoom, PromiseBroken, Unavailable
from provisioner.models.release import Release
from provisioner.models.service import JobSpec, ServiceSpec

QUICK = 0.02  # seconds between two looks while members wait
IMPATIENT = 1  # second
HEALTHY_WITHIN = 15  # seconds: members are held for 30, and the way back needs some of them
COPIED_WITHIN = 900  # seconds
MEGABYTE = 2**20


def swap_of(work: Work) -> Swap:
    return read_swap(work.operation.asked)


def is_settled(work: Work) -> bool:
    """Whether there is no way back any more."""
    return is_carried_out(work.community, swap_of(work))


# -- while the version before serves ---------------------------------------------------------------


def check_upgrade(work: Work) -> None:
    """The release as it is published now, room on the disk, and memory if it asks for more."""
    old, new = work.read_release(swap_of(work).from_release), _new_release(work)
    room, settings = work.context.room, work.context.settings
    if (free := room.free_mb()) < settings.minimum_free_mb:
        raise NotEnoughRoom(free_mb=free, needed_mb=settings.minimum_free_mb)
    more = new.recipe.app.memory_mb - old.recipe.app.memory_mb
    if more > 0 and (free := room.free_memory_mb()) < more:
        raise NotEnoughRoom(f"{more} MB more of memory", free_mb=free, needed_mb=more)


def fetch_version(work: Work) -> None:
    """Swarm fetches an image by its digest, so what comes is what was signed."""
    _carry(work, plan_fetch(_new_plan(work).service), "the new version to arrive")


def prepare_version(work: Work) -> None:
    """Its settings, and the secrets that it asks for and its predecessor did not."""
    plan, engine = _new_plan(work), work.context.engine
    _mint_missing(work)
    for name in plan.secrets:
        value = bytes.fromhex(work.secrets[f"app:{name}"])
        engine.ensure_secret(f"{plan.name}-{name}", value, plan.labels)
    for name, content in plan.configs.items():
        engine.ensure_config(name, content, plan.labels)


def start_attendant(work: Work) -> None:
    """Refuse before anybody waits when what has to be kept would not fit."""
    call_attendant(work)
    told = give_order(work, "look")
    spare = work.context.settings.minimum_free_mb // 2
    needed, free = told["bytes"] // MEGABYTE + spare, told["free"] // MEGABYTE
    work.log(f"{told['bytes'] // MEGABYTE} MB to keep, {free} MB free")
    if needed > free:
        raise NotEnoughRoom(home_dir(work.community, work.place), free_mb=free, needed_mb=needed)


# -- while members are held ------------------------------------------------------------------------


def close_door(work: Work) -> None:
    give_order(work, "close")


def stop_old(work: Work) -> None:
    """What was begun is finished: the app answers everybody who is inside before it ends."""
    _stop(work, _old_plan(work).service)


def take_snapshot(work: Work) -> None:
    told = give_order(work, "snapshot", name=work.operation.id)
    work.log(f"kept in {told['seconds']} s")


def bring_data(work: Work) -> None:
    """Only a rollback that cannot read what was written since brings other data."""
    if data := swap_of(work).data:
        give_order(work, "put-back", name=data)


def migrate(work: Work) -> None:
    release = _new_release(work)
    if "migrate" in release.recipe.commands:
        job = plan_command(_new_plan(work).service, release, "migrate")
        _carry(work, job, "your things to be put in order")


def start_new(work: Work) -> None:
    work.context.engine.ensure_service(_new_plan(work).service)


def await_new(work: Work) -> None:
    _await_health(work, _new_release(work), swap_of(work).slot)


def prove_promises(work: Work) -> None:
    """Through the edge, at its address, as a stranger; nobody else is let in yet."""
    slot = swap_of(work).slot
    for probe in plan_probes(work.community.promised):
        status = work.context.gateway.get_status(work.community_host, probe.path, door=slot)
        if status != probe.status:
            raise PromiseBroken(f"{probe.path} answers {status}", promise=probe.promise)


def commit_version(work: Work) -> None:
    """From here on the new version is the one that counts."""
    swap = swap_of(work)
    if not is_settled(work):
        work.change(
            release=swap.release,
            version=swap.version,
            slot=swap.slot,
            before=swap.from_release,
            snapshot=work.operation.id,
            upgraded_at=work.context.clock.now(),
        )


def open_door(work: Work) -> None:
    give_order(work, "open", slot=swap_of(work).slot)


# -- afterwards ------------------------------------------------------------------------------------


def greet(work: Work) -> None:
    """By the front, as a member would come."""
    _await_health(work, _new_release(work), "")


def tidy_swap(work: Work) -> None:
    """Only what is needed to go back stays."""
    give_order(work, "forget", keep=[work.operation.id])
    _clear_away(work, _new_plan(work))


SWAP_STEPS = (
    StepPlan("check_upgrade", check_upgrade),
    StepPlan("fetch_version", fetch_version, poll_seconds=0.1, deadline_seconds=600),
    StepPlan("prepare_version", prepare_version),
    StepPlan("start_attendant", start_attendant, poll_seconds=0.05),
    StepPlan("close_door", close_door, poll_seconds=QUICK),
    StepPlan("stop_old", stop_old, poll_seconds=QUICK),
    StepPlan("take_snapshot", take_snapshot, poll_seconds=QUICK, deadline_seconds=COPIED_WITHIN),
    StepPlan("bring_data", bring_data, poll_seconds=QUICK, deadline_seconds=COPIED_WITHIN),
    StepPlan("migrate", migrate, poll_seconds=QUICK, deadline_seconds=COPIED_WITHIN),
    StepPlan("start_new", start_new, poll_seconds=QUICK),
    StepPlan("await_new", await_new, poll_seconds=QUICK, deadline_seconds=HEALTHY_WITHIN),
    StepPlan("prove_promises", prove_promises, poll_seconds=QUICK),
    StepPlan("commit_version", commit_version),
    StepPlan("open_door", open_door, poll_seconds=QUICK),
    StepPlan("greet", greet, poll_seconds=0.1),
    StepPlan("tidy_swap", tidy_swap, poll_seconds=0.1),
    StepPlan("attest", attest, poll_seconds=0.25, deadline_seconds=30, is_vital=False),
)


# -- the way back ----------------------------------------------------------------------------------


def stop_new(work: Work) -> None:
    """Also its migration: nothing writes any more. It is not waited for as long as the version
    before was: nobody was let in, and members are held."""
    if work.has_begun("migrate"):
        work.context.engine.remove_service(f"{work.name}-migrate")
    if work.has_begun("stop_old"):
        seconds = IMPATIENT if work.has_begun("start_new") else None
        _stop(work, _old_plan(work).service, seconds)


def put_data_back(work: Work) -> None:
    """The new version may have changed it as soon as its migration was begun."""
    if work.has_begun("bring_data"):
        give_order(work, "put-back", name=work.operation.id)


def start_old(work: Work) -> None:
    if work.has_begun("stop_old"):
        work.context.engine.ensure_service(_old_plan(work).service)


def await_old(work: Work) -> None:
    slot = swap_of(work).from_slot
    if work.has_begun("stop_old") and slot:
        _await_health(work, work.read_release(swap_of(work).from_release), slot)


def reopen_door(work: Work) -> None:
    if work.has_begun("close_door"):
        give_order(work, "open", slot=swap_of(work).from_slot)


def tidy_undone(work: Work) -> None:
    """What was kept before an earlier upgrade stays as it was."""
    if work.has_begun("start_attendant"):
        keep = [work.community.snapshot] if work.community.snapshot else []
        give_order(work, "forget", keep=keep)
    _clear_away(work, _old_plan(work))


UNDO_STEPS = (
    StepPlan("stop_new", stop_new, poll_seconds=QUICK),
    StepPlan("put_data_back", put_data_back, poll_seconds=QUICK, deadline_seconds=COPIED_WITHIN),
    StepPlan("start_old", start_old, poll_seconds=QUICK),
    StepPlan("await_old", await_old, poll_seconds=QUICK),
    StepPlan("reopen_door", reopen_door, poll_seconds=QUICK),
    StepPlan("tidy_undone", tidy_undone, poll_seconds=0.1),
)


# -- within ----------------------------------------------------------------------------------------


def _new_release(work: Work) -> Release:
    return work.read_release(swap_of(work).release)


def _new_plan(work: Work) -> Plan:
    return work.plan_as(as_it_will_be(work.community, swap_of(work)), _new_release(work))


def _old_plan(work: Work) -> Plan:
    """Only before it is settled: then the community's row says what ran before."""
    return work.plan


def _mint_missing(work: Work) -> None:
    minted = mint_secrets_for(_new_release(work).recipe).sealed
    if missing := {name: minted[name] for name in minted if name not in work.secrets}:
        work.keep_secrets(missing)


def _carry(work: Work, job: JobSpec, part: str) -> None:
    """Start it unless it runs, wait for it, and take it away."""
    work.context.engine.start_job(job)
    await_job(work, job.service.name, part)
    work.context.engine.remove_service(job.service.name)


def _stop(work: Work, service: ServiceSpec, seconds: int | None = None) -> None:
    engine = work.context.engine
    if seconds is not None:
        service = replace(service, stop_grace_seconds=seconds)
    engine.stop_service(service)
    if not engine.has_stopped(service.name):
        raise Unavailable(f"{service.name} still runs", part="the last word to be written")


def _await_health(work: Work, release: Release, slot: str) -> None:
    path = release.recipe.app.health
    status = work.context.gateway.get_status(work.community_host, path, door=slot)
    if status != 200:
        task = work.context.engine.find_task(work.name)
        said = f"{task.state} {task.message}" if task else "no task"
        raise Unavailable(f"health {status}; {said}", part="your community to wake up")


def _clear_away(work: Work, plan: Plan) -> None:
    """Everything of this upgrade that `plan` does not need."""
    engine = work.context.engine
    dismiss_attendant(work)
    for verb in ("fetch", "migrate"):
        engine.remove_service(f"{work.name}-{verb}")
    for found in engine.list_named(f"{work.name}-c"):
        kind, _, name = found.partition(":")
        if kind == "config" and name not in plan.configs:
            engine.remove_config(name)
