"""The steps of a drill: a backup is brought back, started where nobody reaches it, and counted.

One job of the keeper's is there all the while. It brings back, says when the app may be started,
awaits it, and counts (`provisioner.node.drill`).
"""

from __future__ import annotations

from provisioner.core.keeping import (
    Shelf,
    get_backup,
    list_shelves,
    plan_drill,
    plan_put_back,
    plan_stage,
    plan_stage_app,
    puts_back_itself,
    stage_name,
)
from provisioner.core.tally import Tally
from provisioner.engine.backups.back_up_steps import clear
from provisioner.engine.backups.phrase import ensure_phrase, withdraw_phrase
from provisioner.engine.reports import await_command, await_report, await_word, read_words
from provisioner.engine.work import StepPlan, Work
from provisioner.errors import BackupFailed
from provisioner.models.backup import Backup, Drill
from provisioner.models.release import Release
from provisioner.models.service import JobSpec, ServiceSpec
from provisioner.node.report import AWAKE, BACK, WHOLE

DRILL_SECONDS = 6 * 3600
WAKING_SECONDS = 120


def set_stage(work: Work) -> None:
    """An empty folder, the words, and a network without a way out."""
    get_drilled(work)
    ensure_phrase(work)
    staged, labels = _stage(work), {"org.taarafo.of": work.community.id}
    work.context.engine.ensure_network(staged.name, internal=True, labels=labels)
    job = plan_stage(work.community, _release(work), work.place_on_nodes)
    await_command(work, job, "room for a rehearsal", "there is no room to try it in")


def bring_back(work: Work) -> None:
    """All that the app needs to wake up."""
    await_word(work, _plan_drill(work), BACK, "your backup to come back")


def put_back(work: Work) -> None:
    """The recipe's `after-restore`, unless the app does it by itself before it serves."""
    if puts_back_itself(_release(work)):
        return
    job = plan_put_back(work.community, _release(work), _stage(work))
    await_command(work, job, "your words to be put back", "what came back could not be put back")


def start_stage(work: Work) -> None:
    work.context.engine.ensure_service(_stage(work))


def bring_rest(work: Work) -> None:
    """What never changes, such as photos, which comes meanwhile."""
    await_word(work, _plan_drill(work), WHOLE, "the rest of your backup to come back")


def await_stage(work: Work) -> None:
    await_word(work, _plan_drill(work), AWAKE, "what was brought back to wake up")


def count_stage(work: Work) -> None:
    """Recorded as good only when every row of every table is there."""
    backup = get_drilled(work)
    told = await_report(work, _plan_drill(work), "everything to be counted")
    if told["rows"] != backup.rows:
        raise BackupFailed(str(told["rows"]), reason="its rows are others than were counted")
    work.context.store.record_drill(
        Drill(
            community_id=work.community.id,
            operation_id=work.operation.id,
            backup_id=backup.id,
            rows=backup.row_count,
            seconds=float(told["seconds"]),
            restore_seconds=float(told["restore_seconds"]),
            made_at=work.context.clock.now(),
        )
    )


def note_flaw(work: Work) -> None:
    """A drill that failed is told, too, unless it had been recorded as good before it was cut."""
    for shelf in list_shelves(work.community, work.place_on_nodes):
        for word in read_words(work.context, f"{work.name}-drill-{shelf.name}"):
            work.log(word)
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
    engine, staged = work.context.engine, stage_name(work.community, work.place)
    for shelf in list_shelves(work.community, work.place_on_nodes):
        engine.remove_service(f"{work.name}-drill-{shelf.name}")
    for name in (f"{staged}-put", staged, f"{work.name}-stage"):
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


def _stage(work: Work) -> ServiceSpec:
    plan = work.plan_as(work.community, _release(work))
    return plan_stage_app(work.community, _release(work), plan.service, work.place_on_nodes)


def _tally(backup: Backup) -> Tally:
    return Tally(backup.files, backup.bytes, backup.rows)


def _shelf(work: Work, backup: Backup) -> Shelf:
    shelves = list_shelves(work.community, work.place_on_nodes)
    found = next((each for each in shelves if each.name == backup.shelf), None)
    if found is None:
        raise BackupFailed(backup.shelf, reason="its place is not set up any more")
    return found


def _plan_drill(work: Work) -> JobSpec:
    backup, release = get_drilled(work), _release(work)
    recipe = get_backup(release)
    if recipe is None:
        raise BackupFailed(reason="its version cannot be backed up")
    return plan_drill(
        work.community,
        release,
        recipe,
        _shelf(work, backup),
        backup.snapshot,
        _tally(backup),
        work.place_on_nodes,
    )


DRILL_STEPS = (
    StepPlan("set_stage", set_stage, poll_seconds=0.05),
    StepPlan("bring_back", bring_back, poll_seconds=0.2, deadline_seconds=DRILL_SECONDS),
    StepPlan("put_back", put_back, poll_seconds=0.15, deadline_seconds=1800),
    StepPlan("start_stage", start_stage),
    StepPlan("bring_rest", bring_rest, poll_seconds=0.5, deadline_seconds=DRILL_SECONDS),
    StepPlan("await_stage", await_stage, poll_seconds=0.2, deadline_seconds=WAKING_SECONDS),
    StepPlan("count_stage", count_stage, poll_seconds=0.1, deadline_seconds=1800),
    StepPlan("strike_stage", strike_stage, poll_seconds=0.1),
)
UNDO_DRILL_STEPS = (
    StepPlan("note_flaw", note_flaw),
    StepPlan("leave_stage", strike_stage, poll_seconds=0.1),
)
