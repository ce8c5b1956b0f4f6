"""The steps on the old side of a move: nothing was written since, then everybody is led on.

Until somebody is led on, a failure changes nothing. From then on it only goes forward.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps

from provisioner.core.keeping import BEFORE_BACKUP
from provisioner.core.moving import (
    plan_erase_evidence,
    plan_erase_kept,
    plan_lead_away,
    plan_recount,
)
from provisioner.core.tally import Tally, compare_rows
from provisioner.engine.backups import back_up_steps
from provisioner.engine.backups.back_up_steps import get_recipe
from provisioner.engine.create_steps import await_job
from provisioner.engine.moves.export import YES
from provisioner.engine.remove_steps import remove_network, remove_secrets, stop_service
from provisioner.engine.reports import await_report
from provisioner.engine.work import StepPlan, Work
from provisioner.errors import AppFailed, BackupFailed, MoveRefused, Unavailable
from provisioner.models.bundle import Bundle
from provisioner.models.community import CommunityState
from provisioner.models.service import JobSpec


def _as_move(effect: Callable[[Work], None]) -> Callable[[Work], None]:
    """What does not work is said as what it means here."""

    @wraps(effect)
    def told(work: Work) -> None:
        try:
            effect(work)
        except BackupFailed as error:
            reason = f"Nobody was led away, because {error.facts['reason']}. Try again."
            raise MoveRefused(error.detail, reason=reason) from error

    return told


@_as_move
def copy_database(work: Work) -> None:
    back_up_steps.copy_database(work)


@_as_move
def look_again(work: Work) -> None:
    """What was on its way in when the bundle was made would be missing there. Raises MoveRefused
    when the counts are not what they were then."""
    job = plan_recount(work.community, get_recipe(work), work.place_on_nodes)
    told = await_report(work, job, "everything to be counted again")
    bundle, found = _get_bundle(work), Tally.from_json(told["tally"])
    flaws = list(compare_rows(bundle.rows, found.rows))
    if found.files != bundle.files:
        flaws.insert(0, f"{found.files} files instead of {bundle.files}")
    if flaws:
        raise MoveRefused(
            "; ".join(flaws),
            reason=f"Something was still written here while the bundle was made: "
            f"{'; '.join(flaws)}. Export it again, and import that.",
        )


def lead_away(work: Work) -> None:
    """At the edge. One that fails is tried again: from here on it only goes forward."""
    home, engine = work.operation.asked["home"], work.context.engine
    job = plan_lead_away(work.community, home, work.place_on_nodes)
    engine.start_job(job)
    try:
        await_job(work, job.service.name, "everybody to be told")
    except AppFailed as error:
        raise Unavailable(error.detail, part="the way to the new address") from error
    engine.remove_service(job.service.name)
    work.change(moved_to=home)


def erase_evidence(work: Work) -> None:
    """Only now: as long as it ran, the agent wrote it anew."""
    _erase(work, plan_erase_evidence(work.community, work.place_on_nodes))


def settle_move(work: Work) -> None:
    keeps = timedelta(days=work.context.settings.rollback_days)
    kept_until = work.context.clock.now() + keeps
    work.change(
        state=CommunityState.MOVED,
        reading_since=None,
        kept_until=kept_until,
        memory_mb=None,
        verdict="",
        verdict_detail={},
        checked_at=None,
    )


def erase_at_once(work: Work) -> None:
    if work.operation.asked["erases"] == YES:
        erase_kept(work)


def erase_kept(work: Work) -> None:
    """Its data, its local backups and what opens them. Its address still leads on."""
    _erase(work, plan_erase_kept(work.community, work.place_on_nodes))
    work.context.store.forget_community(work.community.id)
    work.change(
        sealed_secrets=b"",
        console_sha256="",
        founder="",
        email="",
        before="",
        snapshot="",
        kept_until=None,
    )


def leave_move(work: Work) -> None:
    """Nothing was changed yet; it can only be read, as before."""
    for name in (f"{work.name}-{BEFORE_BACKUP}", f"{work.name}-recount"):
        work.context.engine.remove_service(name)


def _erase(work: Work, job: JobSpec) -> None:
    work.context.engine.start_job(job)
    await_job(work, job.service.name, "what was kept to be erased")
    work.context.engine.remove_service(job.service.name)


def is_led_away(work: Work) -> bool:
    return work.has_begun("lead_away")


def _get_bundle(work: Work) -> Bundle:
    bundles = work.context.store.list_bundles(work.community.id)
    return next(each for each in bundles if each.id == work.operation.asked["bundle"])


MOVE_STEPS = (
    StepPlan("copy_database", copy_database, poll_seconds=0.1, deadline_seconds=1800),
    StepPlan("look_again", look_again, poll_seconds=0.1, deadline_seconds=1800),
    StepPlan("lead_away", lead_away, poll_seconds=0.05),
    StepPlan("stop_service", stop_service),
    StepPlan("remove_network", remove_network),
    StepPlan("remove_secrets", remove_secrets),
    StepPlan("erase_evidence", erase_evidence, poll_seconds=0.05),
    StepPlan("settle_move", settle_move),
    StepPlan("erase_at_once", erase_at_once, poll_seconds=0.05),
)
UNDO_MOVE_STEPS = (StepPlan("leave_move", leave_move),)
ERASE_STEPS = (StepPlan("erase_kept", erase_kept, poll_seconds=0.1),)
