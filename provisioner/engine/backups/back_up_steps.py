"""The steps of a backup. It is recorded only after it was read back and its counts matched.

The community runs on all the while; its data is mounted read-only for all but its own program.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from provisioner.core.keeping import (
    BEFORE_BACKUP,
    Shelf,
    get_backup,
    list_shelves,
    plan_back_up,
    plan_clear,
    plan_room,
    plan_thin_out,
)
from provisioner.core.planning import plan_command
from provisioner.core.retention import Rules
from provisioner.core.tally import Tally
from provisioner.engine.backups.phrase import ensure_phrase, seal_card, withdraw_phrase
from provisioner.engine.reports import await_command, await_report
from provisioner.engine.work import StepPlan, Work
from provisioner.errors import BackupFailed
from provisioner.models.backup import Backup
from provisioner.models.release import RecipeBackup, Release
from provisioner.models.service import JobSpec

COPY_SECONDS = 6 * 3600  # for a large community; the keeper reports, nobody guesses
COPYING = "your backup to be copied and read back"


def make_room(work: Work) -> None:
    """Fresh folders and the words; also what an earlier backup left is cleared first."""
    ensure_phrase(work)
    job = plan_room(work.community, work.place_on_nodes)
    await_command(work, job, "room for your backup", "there is no room for it")


def copy_database(work: Work) -> None:
    """The recipe's `before-backup`: a consistent copy, while everybody writes on."""
    get_recipe(work)
    release = _release(work)
    service = work.plan_as(work.community, release).service
    job = plan_command(service, release, BEFORE_BACKUP)
    reason = "the community could not make a copy of its database"
    await_command(work, job, "your words to be copied", reason)


def copy_and_read_back(work: Work) -> None:
    """To every shelf. Raises BackupFailed when one of them has no whole copy."""
    if failed := copy_to_shelves(work):
        raise failed[0]


def copy_to_shelves(work: Work) -> list[BackupFailed]:
    """Each that is whole is recorded, also when another one fails. Returns what failed."""
    failed: list[BackupFailed] = []
    for shelf in list_shelves(work.community, work.place_on_nodes):
        try:
            _record(work, shelf, await_report(work, _plan(work, shelf), COPYING))
        except BackupFailed as error:
            failed.append(error)
    return failed


def thin_out(work: Work) -> None:
    """Forget what the rules no longer keep, with the room that it took."""
    for shelf in list_shelves(work.community, work.place_on_nodes):
        good = work.context.store.list_backups(work.community.id, shelf.name)
        moments = {each.snapshot: each.made_at.isoformat() for each in good}
        job = plan_thin_out(work.community, shelf, moments, asdict(Rules()), work.place_on_nodes)
        told = await_report(work, job, "older backups to be sorted")
        forgotten = [str(each) for each in told["forgotten"]]
        work.context.store.forget_backups(work.community.id, forgotten, work.context.clock.now())


def tidy_backup(work: Work) -> None:
    """No job, no words and nothing in plain stays."""
    engine, place = work.context.engine, work.place_on_nodes
    shelves = list_shelves(work.community, place)
    names = [plan_room(work.community, place).service.name, f"{work.name}-{BEFORE_BACKUP}"]
    names += [f"{work.name}-{verb}-{each.name}" for each in shelves for verb in VERBS]
    for name in names:
        engine.remove_service(name)
    withdraw_phrase(work)
    clear(work)


def clear(work: Work) -> None:
    job = plan_clear(work.community, work.place_on_nodes)
    await_command(work, job, "the last traces to go", "what was left could not be erased")
    work.context.engine.remove_service(job.service.name)


def _plan(work: Work, shelf: Shelf) -> JobSpec:
    day = work.operation.created_at.toordinal()
    card = seal_card(work)
    return plan_back_up(work.community, get_recipe(work), shelf, day, card, work.place_on_nodes)


def get_recipe(work: Work) -> RecipeBackup:
    release = _release(work)
    backup = get_backup(release)
    if backup is None:
        raise BackupFailed(release.target, reason=f"version {release.version} cannot be backed up")
    return backup


def _release(work: Work) -> Release:
    """What runs now: an upgrade changes it between two steps."""
    return work.read_release(work.community.release)


def _record(work: Work, shelf: Shelf, told: dict[str, Any]) -> None:
    """Raises BackupFailed for a report that is not complete."""
    try:
        tally = Tally.from_json(told["tally"])
        row = Backup(
            community_id=work.community.id,
            operation_id=work.operation.id,
            shelf=shelf.name,
            snapshot=str(told["snapshot"]),
            release=work.community.release,
            files=tally.files,
            bytes=tally.bytes,
            rows=dict(tally.rows),
            read=str(told["read"]),
            seconds=float(told["seconds"]),
            made_at=work.context.clock.now(),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BackupFailed(repr(error), reason="its report is not complete") from error
    work.context.store.record_backup(row)
    work.log(
        f"{shelf.name}: {tally.files} files, {tally.bytes} bytes, {tally.row_count} rows; "
        f"read back {row.read}"
    )


VERBS = ("back-up", "thin-out")
BACK_UP_STEPS = (
    StepPlan("make_room", make_room, poll_seconds=0.1),
    StepPlan("copy_database", copy_database, poll_seconds=0.1, deadline_seconds=1800),
    StepPlan("copy_and_read_back", copy_and_read_back, deadline_seconds=COPY_SECONDS),
    StepPlan("thin_out", thin_out, deadline_seconds=COPY_SECONDS, is_vital=False),
    StepPlan("tidy_backup", tidy_backup, poll_seconds=0.1),
)
UNDO_BACK_UP_STEPS = (StepPlan("leave_backup", tidy_backup, poll_seconds=0.1),)
