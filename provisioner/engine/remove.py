"""Ask for a community to be removed: only after its address was typed, and a copy was proved."""

from __future__ import annotations

from datetime import timedelta

from provisioner.engine.context import Context
from provisioner.errors import NotFound, NothingKept, SaidBadly
from provisioner.models.community import Community, CommunityState
from provisioner.models.operation import Operation

FRESH = timedelta(days=1)


def request_removal(
    context: Context,
    community: Community,
    *,
    typed: str,
    even_without_backup: bool = False,
    requested_by: str,
) -> Operation:
    """Record it and wake a worker. Raises SaidBadly, NotFound, NothingKept or Conflict.

    `even_without_backup` is the second time that somebody says so.
    """
    if community.state == CommunityState.REMOVED or community.reserved is None:
        raise NotFound(what="community", name=community.address)
    if typed.strip().lower() not in (community.address, community.label):
        raise SaidBadly(f"To remove it, please type its address: {community.label}", "typed")
    if not even_without_backup and needs_copy(context, community):
        raise NothingKept(name=community.name)
    operation = context.store.request_remove(
        community.id, now=context.clock.now(), requested_by=requested_by
    )
    context.waker.wake(operation.id)
    return operation


def needs_copy(context: Context, community: Community) -> bool:
    """Whether it runs, and no backup or bundle that counts is younger than a day.

    What never ran has nothing to keep, and of a removal that was begun nothing whole is left.
    """
    if community.state != CommunityState.RUNNING:
        return False
    made = [each.made_at for each in context.store.list_bundles(community.id)[:1]]
    if backup := context.store.find_backups([community.id]).get(community.id):
        made.append(backup.made_at)
    return not any(each >= context.clock.now() - FRESH for each in made)
