"""Carry out an Operation at once and wait for it: this process is one more worker."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

from provisioner.core.promises import plan_promises
from provisioner.core.tally import Tally
from provisioner.engine.context import Context
from provisioner.engine.create import request_community
from provisioner.engine.describe import (
    describe_backup,
    describe_bundle,
    describe_community,
    describe_drill,
    describe_made,
)
from provisioner.engine.moves.signing import get_fingerprint
from provisioner.engine.operations import run_operation
from provisioner.engine.progress import Progress, get_progress
from provisioner.engine.remove import request_removal
from provisioner.errors import OperationFailed, SaidBadly
from provisioner.models.community import Community
from provisioner.models.operation import Operation
from provisioner.models.promise import Preset

OnProgress = Callable[[Progress], None]
LOOK_SECONDS = 0.25


def create_now(
    context: Context, *, on_progress: OnProgress, preset: str, **said: str
) -> dict[str, Any]:
    """The community with its links and how long it took. Raises OperationFailed and BadInput."""
    began = time.monotonic()
    try:
        chosen = Preset(preset)
    except ValueError as error:
        known = ", ".join(Preset)
        raise SaidBadly(
            f"There is no preset “{preset}”. Take one of: {known}.", "preset"
        ) from error
    community, operation = request_community(
        context, preset=chosen, promises=plan_promises(chosen), requested_by="cli", **said
    )
    _follow(context, operation.id, on_progress)
    seconds = time.monotonic() - began
    return describe_made(context, context.store.get_community(community.id), seconds)


def remove_now(
    context: Context,
    community: Community,
    *,
    typed: str,
    even_without_backup: bool = False,
    on_progress: OnProgress,
) -> dict[str, Any]:
    """What was removed. Raises OperationFailed, SaidBadly, NothingKept or Conflict."""
    operation = request_removal(
        context,
        community,
        typed=typed,
        even_without_backup=even_without_backup,
        requested_by="cli",
    )
    _follow(context, operation.id, on_progress)
    return describe_community(context, context.store.get_community(community.id))


def swap_now(
    context: Context, community: Community, operation: Operation, on_progress: OnProgress
) -> dict[str, Any]:
    """What runs after an upgrade or a rollback was carried out. Raises OperationFailed."""
    seconds = _follow(context, operation.id, on_progress)
    living = context.store.get_community(community.id)
    return {**describe_community(context, living), "seconds": round(seconds, 2)}


def back_up_now(
    context: Context, community: Community, operation: Operation, on_progress: OnProgress
) -> dict[str, Any]:
    """The backups that this operation made. Raises OperationFailed."""
    _follow(context, operation.id, on_progress)
    made = context.store.list_backups(community.id)
    return {
        "id": community.id,
        "address": community.address,
        "backups": [describe_backup(each) for each in made if each.operation_id == operation.id],
    }


def drill_now(
    context: Context, community: Community, operation: Operation, on_progress: OnProgress
) -> dict[str, Any]:
    """What came back of the newest backup. Raises OperationFailed."""
    _follow(context, operation.id, on_progress)
    drill = context.store.find_drills([community.id])[community.id]
    return {"id": community.id, "address": community.address, **describe_drill(drill)}


def restore_now(
    context: Context, community: Community, operation: Operation, on_progress: OnProgress
) -> dict[str, Any]:
    """The community with its links, and what came back. Raises OperationFailed."""
    seconds = _follow(context, operation.id, on_progress)
    made = context.store.get_community(community.id)
    asked = context.store.get_operation(operation.id).asked
    tally = Tally.from_json(json.loads(asked["tally"]))
    return {
        **describe_made(context, made, seconds),
        "backup": asked["snapshot"],
        "made_at": asked["made_at"],
        "files": tally.files,
        "bytes": tally.bytes,
        "rows": tally.row_count,
    }


def export_now(
    context: Context, community: Community, operation: Operation, on_progress: OnProgress
) -> dict[str, Any]:
    """The bundle that this operation made. Raises OperationFailed."""
    seconds = _follow(context, operation.id, on_progress)
    made = context.store.list_bundles(community.id)
    bundle = next(each for each in made if each.operation_id == operation.id)
    return {
        "id": community.id,
        "address": community.address,
        **describe_bundle(bundle),
        "moves": not operation.asked["keeps_open"],
        "signed_by": get_fingerprint(context),
        "seconds": round(seconds, 2),
    }


def move_now(
    context: Context, community: Community, operation: Operation, on_progress: OnProgress
) -> dict[str, Any]:
    """Where it lives once this part of its way was carried out. Raises OperationFailed."""
    _follow(context, operation.id, on_progress)
    return describe_community(context, context.store.get_community(community.id))


def _follow(context: Context, operation_id: str, on_progress: OnProgress) -> float:
    """Carry it here, unless a worker was faster, and show how far it is; the seconds it took."""
    began = time.monotonic()
    hand = threading.Thread(target=run_operation, args=(context, operation_id), daemon=True)
    hand.start()
    while True:
        progress = get_progress(context, operation_id)
        on_progress(progress)
        if progress.is_over:
            break
        if hand.is_alive():
            hand.join(LOOK_SECONDS)
        else:
            time.sleep(LOOK_SECONDS)
    hand.join()
    if progress.state == "failed":
        raise OperationFailed(progress.error_code, reason=progress.message)
    return time.monotonic() - began
