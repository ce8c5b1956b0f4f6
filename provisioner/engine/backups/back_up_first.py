"""A backup before an upgrade: the same steps as every night, while the version before serves.

One that was made within the last hour is fresh enough: the upgrade itself keeps the data as they
are at its very moment.

One shelf with a whole copy is enough, so that a store that is away holds no upgrade up; without
any, nothing is upgraded. An app that no backup can be made of is upgraded without.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from provisioner.core.keeping import get_backup, list_shelves
from provisioner.engine.backups.back_up_steps import (
    COPY_SECONDS,
    copy_database,
    copy_to_shelves,
    make_room,
    tidy_backup,
)
from provisioner.engine.work import StepPlan, Work

FRESH_FOR = timedelta(hours=1)


def _if_it_can(step: Callable[[Work], None]) -> Callable[[Work], None]:
    def take(work: Work) -> None:
        if get_backup(work.read_release(work.community.release)) is None:
            return
        if not _has_fresh(work):
            step(work)

    return take


def _has_fresh(work: Work) -> bool:
    """Of another Operation than this one: its own is not done before it is tidied up."""
    newest = work.context.store.find_backups([work.community.id]).get(work.community.id)
    return (
        newest is not None
        and newest.operation_id != work.operation.id
        and work.operation.created_at - newest.made_at < FRESH_FOR
    )


def _copy_somewhere(work: Work) -> None:
    failed = copy_to_shelves(work)
    for error in failed:
        work.log(f"{error.explain()} {error.detail}")
    if len(failed) == len(list_shelves(work.community, work.place_on_nodes)):
        raise failed[0]


def _tidy(work: Work) -> None:
    """Also when no step before it was taken."""
    if work.has_begun("room_before"):
        tidy_backup(work)


BACK_UP_FIRST = (
    StepPlan("room_before", _if_it_can(make_room), poll_seconds=0.1),
    StepPlan("database_before", _if_it_can(copy_database), poll_seconds=0.1, deadline_seconds=1800),
    StepPlan("backup_before", _if_it_can(_copy_somewhere), deadline_seconds=COPY_SECONDS),
    StepPlan("tidy_before", _if_it_can(tidy_backup), poll_seconds=0.1),
)
UNDO_BACK_UP_FIRST = (StepPlan("leave_before", _if_it_can(_tidy), poll_seconds=0.1),)
