"""The steps that put the version before back, with its data: the new one did not prove itself.

Members are still held. Each step may be run again after a crash at any instant.
"""

from __future__ import annotations

from provisioner.engine.upgrades.attendance import give_order
from provisioner.engine.upgrades.two_versions import (
    COPIED_WITHIN,
    QUICK,
    await_health,
    clear_away,
    new_plan,
    old_plan,
    remove_twin,
    stop,
    stop_job,
    swap_of,
)
from provisioner.engine.work import StepPlan, Work

IMPATIENT = 1  # second


def stop_new(work: Work) -> None:
    """Also its migration: nothing writes any more. It is not waited for as long as the version
    before is: nobody was let in, and members are held."""
    if work.has_begun("migrate"):
        stop_job(work, f"{work.name}-migrate")
    if _may_have_started(work):
        stop(work, new_plan(work).service, IMPATIENT)
    if work.has_begun("stop_old"):
        stop(work, old_plan(work).service)


def put_data_back(work: Work) -> None:
    """The new version may have changed it as soon as its migration was begun."""
    if work.has_begun("bring_data"):
        give_order(work, "put-back", name=work.operation.id)


def start_old(work: Work) -> None:
    if work.has_begun("stop_old"):
        work.context.engine.ensure_service(old_plan(work).service)


def await_old(work: Work) -> None:
    slot = swap_of(work).from_slot
    if work.has_begun("stop_old") and slot:
        release = work.read_release(swap_of(work).from_release)
        await_health(work, old_plan(work).service, release, slot)


def reopen_door(work: Work) -> None:
    if work.has_begun("close_door"):
        give_order(work, "open", slot=swap_of(work).from_slot)


def tidy_undone(work: Work) -> None:
    """What was kept before an earlier upgrade stays as it was."""
    if work.has_begun("start_attendant"):
        keep = [work.community.snapshot] if work.community.snapshot else []
        give_order(work, "forget", keep=keep)
        give_order(work, "clear", slot=swap_of(work).slot)
    remove_twin(work, swap_of(work).runs_as)
    clear_away(work, old_plan(work))


UNDO_STEPS = (
    StepPlan("stop_new", stop_new, poll_seconds=QUICK),
    StepPlan("put_data_back", put_data_back, poll_seconds=QUICK, deadline_seconds=COPIED_WITHIN),
    StepPlan("start_old", start_old, poll_seconds=QUICK),
    StepPlan("await_old", await_old, poll_seconds=QUICK),
    StepPlan("reopen_door", reopen_door, poll_seconds=QUICK),
    StepPlan("tidy_undone", tidy_undone, poll_seconds=0.1),
)


def _may_have_started(work: Work) -> bool:
    """Whether the new version may run, by whichever worker it was started."""
    takes_turns = swap_of(work).has_twin and work.has_begun("start_twin")
    return takes_turns or work.has_begun("migrate")
