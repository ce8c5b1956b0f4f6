"""Ask for a backup or for a drill of one community. Workers do the rest."""

from __future__ import annotations

from provisioner.engine.context import Context
from provisioner.errors import NotFound
from provisioner.models.community import Community
from provisioner.models.operation import Operation, OperationKind


def request_backup(context: Context, community: Community, *, requested_by: str) -> Operation:
    """Raises Conflict while something else is being done with it, or while it does not run."""
    return _request(context, community, OperationKind.BACK_UP, requested_by)


def request_drill(context: Context, community: Community, *, requested_by: str) -> Operation:
    """Bring the newest backup back where nobody reaches it. Raises NotFound without any."""
    if not context.store.list_backups(community.id):
        raise NotFound(what="backup", name=community.address)
    return _request(context, community, OperationKind.DRILL, requested_by)


def _request(
    context: Context, community: Community, kind: OperationKind, requested_by: str
) -> Operation:
    operation = context.store.request_upkeep(
        community.id, kind, now=context.clock.now(), requested_by=requested_by
    )
    context.waker.wake(operation.id)
    return operation
