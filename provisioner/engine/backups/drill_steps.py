"""The steps of a drill: a backup is brought back, started where nobody reaches it, and counted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from provisioner.core.keeping import (
    Shelf,
    get_backup,
    list_shelves,
    plan_bring_back,
    plan_count,
    plan_put_back,
    plan_stage,
    plan_stage_app,
)
from provisioner.core.tally import Tally
from provisioner.engine.backups.back_up_steps import clear
from provisioner.engine.backups.phrase import ensure_phrase, withdraw_phrase
from provisioner.engine.reports import await_command, await_report
from provisioner.engine.work import StepPlan, Work
from provisioner.errors import BackupFailed
from provisioner.models.backup import Backup, Drill
from provisioner.models.release import RecipeBackup, Release
from provisioner.models.service import JobSpec, ServiceSpec

DRILL_SECONDS = 6 * 3600
WAKING = "what was brought back to wake up"


def set_stage(work: Work) -> None:
    """An empty folder, the words, and a network without a way out."""
    get_drilled(work)
    ensure_phrase(work)
    staged, labels = _stage(work), {"org.taarafo.of": work.community.id}
    work.context.engine.ensure_network(staged.name, internal=True, labels=labels)
    job = plan_stage(work.community, _release(work), work.place_on_nodes)
    await_command(work, job, "room for a rehearsal", "there is no room to try it in")


def bring_back(work: Work) -> dict[str, Any]:
    """What was counted, and how long restic took."""
    return await_report(work, _plan_bring_back(work), "your backup to come back")


def put_back(work: Work) -> None:
    """The recipe's `after-restore`."""
    job = plan_put_back(work.community, _release(work), _stage(work))
    await_command(work, job, "your words to be put back", "what came back could not be put back")


def start_stage(work: Work) -> None:
    """With whoever counts beside it, who waits until it is awake."""
    work.context.engine.ensure_service(_stage(work))
    work.context.engine.start_job(_plan_count(work))


def count_stage(work: Work) -> None:
    """Recorded as good only when every row of every table is there."""
    backup = get_drilled(work)
    told = await_report(work, _plan_count(work), WAKING)
    if told["rows"] != backup.rows:
        raise BackupFailed(str(told["rows"]), reason="its rows are others than were counted")
    restored = bring_back(work)
    work.context.store.record_drill(
        Drill(
            community_id=work.community.id,
            operation_id=work.operation.id,
            backup_id=backup.id,
            rows=backup.row_count,
            seconds=round((work.context.clock.now() - _began(work)).total_seconds(), 2),
            restore_seconds=float(restored["seconds"]),
            made_at=work.context.clock.now(),
        )
    )


def note_flaw(work: Work) -> None:
    """A drill that failed is told, too, unless it had been recorded as good before it was cut."""
    failed = work.context.store.get_operation(work.operation.id)
    work.context.store.record_drill(
        Drill(
            community_id=work.community.id,
            operation_id=work.operation.id,
            flaw=failed.message or "It failed.",
            made_at=work.context.clock.now(),
        )
    )


def strike_stage(work: Work) -> None:
    """Nothing of it stays."""
    engine, staged = work.context.engine, _stage_name(work)
    for shelf in list_shelves(work.community, work.place_on_nodes):
        engine.remove_service(f"{work.name}-restore-{shelf.name}")
    for name in (f"{work.name}-count", f"{staged}-put", staged, f"{work.name}-stage"):
        engine.remove_service(name)
    engine.remove_network(staged)
    withdraw_phrase(work)
    clear(work)


def get_drilled(work: Work) -> Backup:
    """The newest backup when the drill was asked for. Raises BackupFailed without any."""
    asked_at = work.operation.created_at
    for backup in work.context.store.list_backups(work.community.id):
        if backup.made_at <= asked_at:
            return backup
    raise BackupFailed(reason="there is none yet")


def _release(work: Work) -> Release:
    """What ran when the backup was made: it can read it."""
    return work.read_release(get_drilled(work).release)


def _recipe(work: Work) -> RecipeBackup:
    backup = get_backup(_release(work))
    if backup is None:
        raise BackupFailed(reason="its version cannot be backed up")
    return backup


def _stage(work: Work) -> ServiceSpec:
    plan = work.plan_as(work.community, _release(work))
    return plan_stage_app(work.community, plan.service, work.place_on_nodes)


def _stage_name(work: Work) -> str:
    return f"{work.name}-drill"


def _tally(backup: Backup) -> Tally:
    return Tally(backup.files, backup.bytes, backup.rows)


def _shelf(work: Work, backup: Backup) -> Shelf:
    shelves = list_shelves(work.community, work.place_on_nodes)
    found = next((each for each in shelves if each.name == backup.shelf), None)
    if found is None:
        raise BackupFailed(backup.shelf, reason="its place is not set up any more")
    return found


def _plan_bring_back(work: Work) -> JobSpec:
    backup = get_drilled(work)
    return plan_bring_back(
        work.community,
        _recipe(work),
        _shelf(work, backup),
        backup.snapshot,
        _tally(backup),
        work.place_on_nodes,
    )


def _plan_count(work: Work) -> JobSpec:
    return plan_count(
        work.community,
        _release(work),
        _recipe(work),
        _tally(get_drilled(work)),
        work.place_on_nodes,
    )


def _began(work: Work) -> datetime:
    """When the first file was asked for."""
    steps = work.context.store.list_steps(work.operation.id)
    return next(
        (row.started_at for row in steps if row.name == "bring_back" and row.started_at),
        work.operation.created_at,
    )


DRILL_STEPS = (
    StepPlan("set_stage", set_stage, poll_seconds=0.05),
    StepPlan("bring_back", bring_back, poll_seconds=0.05, deadline_seconds=DRILL_SECONDS),
    StepPlan("put_back", put_back, poll_seconds=0.05, deadline_seconds=1800),
    StepPlan("start_stage", start_stage),
    StepPlan("count_stage", count_stage, poll_seconds=0.05, deadline_seconds=1800),
    StepPlan("strike_stage", strike_stage, poll_seconds=0.1),
)
UNDO_DRILL_STEPS = (
    StepPlan("note_flaw", note_flaw),
    StepPlan("leave_stage", strike_stage, poll_seconds=0.1),
)
