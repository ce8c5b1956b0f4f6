"""Look after running communities: their memory, and a fresh verdict before the last is old."""

from __future__ import annotations

from datetime import timedelta

from provisioner.core.place import service_of
from provisioner.engine.checks.attest import record_verdict
from provisioner.engine.context import Context
from provisioner.models.community import Community, CommunityState

RECHECK_AFTER = timedelta(minutes=4)


def watch_communities(context: Context) -> None:
    """One round over all that run. Raises Unavailable when the engine does not answer."""
    used = context.engine.get_memory_mb()
    for community in _list_running(context):
        memory = used.get(service_of(community, context.settings.stack))
        if memory != community.memory_mb:
            context.store.change_community(community.id, memory_mb=memory)
        checked = community.checked_at
        if checked is None or context.clock.now() - checked > RECHECK_AFTER:
            record_verdict(context, community)


def _list_running(context: Context) -> list[Community]:
    limit = context.settings.max_communities
    return context.store.list_communities(state=CommunityState.RUNNING, limit=limit).rows
