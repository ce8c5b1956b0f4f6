"""Ask for a community to be removed: only after its address was typed."""

from __future__ import annotations

from provisioner.engine.context import Context
from provisioner.errors import NotFound, SaidBadly
from provisioner.models.community import Community, CommunityState
from provisioner.models.operation import Operation


def request_removal(
    context: Context, community: Community, *, typed: str, requested_by: str
) -> Operation:
    """Record it and wake a worker. Raises SaidBadly, NotFound or Conflict."""
    if community.state == CommunityState.REMOVED or community.reserved is None:
        raise NotFound(what="community", name=community.address)
    if typed.strip().lower() not in (community.address, community.label):
        raise SaidBadly(f"To remove it, please type its address: {community.label}", "typed")
    operation = context.store.request_remove(
        community.id, now=context.clock.now(), requested_by=requested_by
    )
    context.waker.wake(operation.id)
    return operation
