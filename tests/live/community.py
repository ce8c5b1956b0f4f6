"""What the live tests ask of a control plane: make one community and look at it from outside."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable

from provisioner.core.promises import plan_promises
from provisioner.engine.context import Context
from provisioner.engine.create import request_community
from provisioner.engine.operations import run_operation
from provisioner.engine.remove import request_removal
from provisioner.engine.upgrades.wishes import pin
from provisioner.errors import Conflict, NotFound
from provisioner.models.community import Community, CommunityState
from provisioner.models.operation import Operation
from provisioner.models.promise import Preset
from provisioner.settings import Settings
from provisioner.store import Store

PATIENCE = 90.0


def ask(context: Context, name: str, preset: Preset = Preset.FAMILY) -> tuple[Community, Operation]:
    """Only recorded: who carries it is the test's choice."""
    return request_community(
        context,
        name=name,
        preset=preset,
        promises=plan_promises(preset),
        founder="Ann",
        requested_by="test",
    )


def erase(context: Context, community: Community) -> Operation:
    living = context.store.get_community(community.id)
    return request_removal(
        context, living, typed=living.label, even_without_backup=True, requested_by="test"
    )


def has_begun(store: Store, step: str) -> bool:
    """Whether the newest operation of all is at this step, or beyond."""
    rows = [row for each in store.list_operations(limit=1) for row in store.list_steps(each.id)]
    return any(row.name == step and row.started_at for row in rows)


def hold_others(context: Context) -> None:
    """Whoever runs now stays at her version, so that a release comes to those made after this."""
    for row in context.store.list_communities(state=CommunityState.RUNNING, limit=1000).rows:
        pin(context, row, row.version)


def take_down(context: Context, community: Community) -> None:
    """Once the deployed worker has ended what it began with it by itself."""

    def is_gone() -> bool:
        try:
            run_operation(context, erase(context, community).id)
        except Conflict:
            pass
        except NotFound:
            return True
        return context.store.get_community(community.id).state == CommunityState.REMOVED

    wait_until(is_gone, f"{community.address} is gone")


def get(settings: Settings, host: str, path: str) -> tuple[int, str]:
    """Status and body over TCP, as a browser on this machine would ask."""
    connection = http.client.HTTPConnection("127.0.0.1", settings.port, timeout=30)
    try:
        connection.request("GET", path, headers={"Host": f"{host}:{settings.port}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


def wait_until(happened: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    ends = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < ends, f"waited {seconds} s in vain until {what}"
        time.sleep(0.1)
