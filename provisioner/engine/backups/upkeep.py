"""Ask for every backup and drill that is due; a worker carries them like any other operation."""

from __future__ import annotations

from contextlib import suppress

from provisioner.core.upkeep import Kept, choose_backups, choose_drills
from provisioner.engine.backups.back_up import request_backup, request_drill
from provisioner.engine.context import Context
from provisioner.errors import Conflict, NotFound
from provisioner.models.community import Community, CommunityState
from provisioner.models.operation import OperationKind, OperationState

BY = "by itself"


def keep_up(context: Context) -> int:
    """One round over all that run, in a constant number of queries. Returns how many were asked."""
    context.look_again()
    limit = context.settings.max_communities
    rows = context.store.list_communities(state=CommunityState.RUNNING, limit=limit).rows
    kept = _look(context, rows)
    now, open_ones = context.clock.now(), context.store.count_open_by_kind()
    running = open_ones.get(OperationKind.BACK_UP, 0) + open_ones.get(OperationKind.DRILL, 0)
    by_id = {row.id: row for row in rows}
    asked = 0
    for community_id in choose_backups(kept, now, running):
        with suppress(Conflict):  # something else is being done with it: the next round asks again
            request_backup(context, by_id[community_id], requested_by=BY)
            asked += 1
    for community_id in choose_drills(kept, now, running + asked):
        with suppress(Conflict, NotFound):
            request_drill(context, by_id[community_id], requested_by=BY)
            asked += 1
    return asked


def _look(context: Context, rows: list[Community]) -> list[Kept]:
    ids, store = [row.id for row in rows], context.store
    backups, drills = store.find_backups(ids), store.find_drills(ids)
    tried, busy = store.find_last_asked(ids, OperationKind.BACK_UP), store.list_busy()
    return [
        Kept(
            id=row.id,
            ready_at=row.ready_at or row.created_at,
            backed_up_at=backups[row.id].made_at if row.id in backups else None,
            tried_at=tried[row.id].created_at if row.id in tried else None,
            try_failed=row.id in tried and tried[row.id].state == OperationState.FAILED,
            drilled_at=drills[row.id].made_at if row.id in drills else None,
            drill_failed=bool(row.id in drills and drills[row.id].flaw),
        )
        for row in rows
        if row.id not in busy
    ]
