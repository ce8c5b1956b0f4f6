"""The steps that put another version in the place of the one that runs.

Members notice a short wait. From `close_door` to `open_door` the edge holds them, and nobody
writes: the snapshot has every word that was acknowledged, and when the new version does not prove
itself, nothing that anybody wrote is in it alone. A version that takes turns is started before,
and touches no data until its turn has come.

Each step may be run again after a crash at any instant.
"""

from __future__ import annotations

from provisioner.core.place import home_dir
from provisioner.core.planning import plan_command, plan_fetch
from provisioner.core.probes import plan_probes
from provisioner.engine.create_steps import attest, await_job
from provisioner.engine.keys import mint_secrets_for
from provisioner.engine.upgrades.attendance import call_attendant, give_order
from provisioner.engine.upgrades.two_versions import (
    COPIED_WITHIN,
    QUICK,
    await_health,
    clear_away,
    is_settled,
    new_plan,
    new_release,
    old_plan,
    refuse_crashed,
    remove_twin,
    stop,
    swap_of,
)
from provisioner.engine.work import StepPlan, Work
from provisioner.errors import NotEnoughRoom, PromiseBroken, Unavailable
from provisioner.models.release import Release
from provisioner.models.service import JobSpec, ServiceSpec

HEALTHY_WITHIN = 15  # seconds: members are held for 30, and the way back needs some of them
LOADED_WITHIN = 60  # seconds, in which the version before serves
IN_ORDER = "your things to be put in order"
MEGABYTE = 2**20


# -- while the version before serves ---------------------------------------------------------------


def check_upgrade(work: Work) -> None:
    """The release as it is published now, room on the disk, and memory if it asks for more."""
    old, new = work.read_release(swap_of(work).from_release), new_release(work)
    room, settings = work.context.room, work.context.settings
    if (free := room.free_mb()) < settings.minimum_free_mb:
        raise NotEnoughRoom(free_mb=free, needed_mb=settings.minimum_free_mb)
    more = new.recipe.app.memory_mb - old.recipe.app.memory_mb
    if more > 0 and (free := room.free_memory_mb()) < more:
        raise NotEnoughRoom(f"{more} MB more of memory", free_mb=free, needed_mb=more)


def fetch_version(work: Work) -> None:
    """Swarm fetches an image by its digest, so what comes is what was signed."""
    _carry(work, plan_fetch(new_plan(work).service), "the new version to arrive")


def prepare_version(work: Work) -> None:
    """Its settings, and the secrets that it asks for and its predecessor did not."""
    plan, engine = new_plan(work), work.context.engine
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


def start_twin(work: Work) -> None:
    """Start the new version beside the one that serves, and let it load: it touches no data."""
    release = new_release(work)
    if not release.recipe.app.takes_turns:
        return
    slot, service = swap_of(work).slot, new_plan(work).service
    is_ready = give_order(work, "hold", slot=slot)["is_ready"]
    if not _has_room_for_both(work, release):
        return
    work.context.engine.ensure_service(service)
    if not is_ready:
        refuse_crashed(work, service)
        raise Unavailable(f"{service.name} loads", part="the new version to get ready")


# -- while members are held ------------------------------------------------------------------------


def close_door(work: Work) -> None:
    give_order(work, "close")


def stop_old(work: Work) -> None:
    """What was begun is finished: the app answers everybody who is inside before it ends."""
    stop(work, old_plan(work).service)


def take_snapshot(work: Work) -> None:
    told = give_order(work, "snapshot", name=work.operation.id)
    work.log(f"kept in {told['seconds']} s")


def bring_data(work: Work) -> None:
    """Only a rollback that cannot read what was written since brings other data."""
    if data := swap_of(work).data:
        give_order(work, "put-back", name=data)


def migrate(work: Work) -> None:
    """A version that takes turns does it itself, as its own has come."""
    release, service = new_release(work), new_plan(work).service
    if release.recipe.app.takes_turns:
        _await_turn(work, service)
    elif "migrate" in release.recipe.commands:
        _carry(work, plan_command(service, release, "migrate"), IN_ORDER)


def start_new(work: Work) -> None:
    work.context.engine.ensure_service(new_plan(work).service)


def await_new(work: Work) -> None:
    """One that ends by itself again and again is not waited for."""
    service = new_plan(work).service
    try:
        await_health(work, service, new_release(work), swap_of(work).slot)
    except Unavailable:
        if swap_of(work).has_twin:
            refuse_crashed(work, service)
        raise


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
            runs_as=swap.runs_as,
            before=swap.from_release,
            snapshot=work.operation.id,
            upgraded_at=work.context.clock.now(),
        )


def open_door(work: Work) -> None:
    give_order(work, "open", slot=swap_of(work).slot)


# -- afterwards ------------------------------------------------------------------------------------


def greet(work: Work) -> None:
    """By the front, as a member would come."""
    await_health(work, new_plan(work).service, new_release(work), "")


def tidy_swap(work: Work) -> None:
    """Only what is needed to go back stays."""
    give_order(work, "forget", keep=[work.operation.id])
    remove_twin(work, swap_of(work).from_runs_as)
    clear_away(work, new_plan(work))


SWAP_STEPS = (
    StepPlan("check_upgrade", check_upgrade),
    StepPlan("fetch_version", fetch_version, poll_seconds=0.1, deadline_seconds=600),
    StepPlan("prepare_version", prepare_version),
    StepPlan("start_attendant", start_attendant, poll_seconds=0.05),
    StepPlan("start_twin", start_twin, poll_seconds=0.1, deadline_seconds=LOADED_WITHIN),
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


# -- within ----------------------------------------------------------------------------------------


def _mint_missing(work: Work) -> None:
    minted = mint_secrets_for(new_release(work).recipe).sealed
    if missing := {name: minted[name] for name in minted if name not in work.secrets}:
        work.keep_secrets(missing)


def _carry(work: Work, job: JobSpec, part: str) -> None:
    """Start it unless it runs, wait for it, and take it away."""
    work.context.engine.start_job(job)
    await_job(work, job.service.name, part)
    work.context.engine.remove_service(job.service.name)


def _has_room_for_both(work: Work, release: Release) -> bool:
    """Whether the new version may be started while the old one serves. What a rollback brings back
    takes the place of the folder that it would have open."""
    is_apart = swap_of(work).has_twin and not swap_of(work).data
    return is_apart and work.context.room.free_memory_mb() >= release.recipe.app.memory_mb


def _await_turn(work: Work, service: ServiceSpec) -> None:
    """It may not have been started yet: then it finds, as it starts, that its turn has come."""
    is_in_order = give_order(work, "begin", slot=swap_of(work).slot)["is_in_order"]
    work.context.engine.ensure_service(service)
    if not is_in_order:
        refuse_crashed(work, service)
        raise Unavailable(f"{service.name} puts its data in order", part=IN_ORDER)
