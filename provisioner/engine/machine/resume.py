"""Start every community that should run, as the database says: after `down`, or a lost service."""

from __future__ import annotations

from provisioner.engine.context import Context
from provisioner.engine.create_steps import create_network, prepare_node, render_configs
from provisioner.engine.create_steps import start_service as start_when_prepared
from provisioner.engine.work import Work
from provisioner.errors import TaarafoError, Unavailable
from provisioner.models.community import Community, CommunityState
from provisioner.models.operation import Operation, OperationKind

POLL_SECONDS, PATIENCE = 0.05, 30.0


def resume_communities(context: Context) -> list[str]:
    """Addresses that could not be started now, with everything else running.

    A community with an open operation is left to the worker that carries it.
    """
    limit = context.settings.max_communities
    running = context.store.list_communities(state=CommunityState.RUNNING, limit=limit).rows
    busy = context.store.list_busy()
    return [c.address for c in running if c.id not in busy and not _resume(context, c)]


def _resume(context: Context, community: Community) -> bool:
    operation = Operation(
        kind=OperationKind.CREATE, community_id=community.id, created_at=context.clock.now()
    )
    work = Work(context, operation, community, log=lambda _: None)
    try:
        if context.engine.find_task(work.service) is not None:
            return True
        for step in (prepare_node, render_configs, create_network):
            step(work)
        _until_prepared(work)
        context.engine.remove_service(work.plan.prepare.service.name)
    except TaarafoError:
        return False
    return True


def _until_prepared(work: Work) -> None:
    waited = 0.0
    while True:
        try:
            return start_when_prepared(work)
        except Unavailable:
            waited += POLL_SECONDS
            if waited > PATIENCE:
                raise
            work.context.clock.sleep(POLL_SECONDS)
