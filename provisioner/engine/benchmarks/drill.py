"""A drill of a community with a gigabyte of photos, beside `restic restore` of the same alone."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from provisioner.core.place import home_dir
from provisioner.engine.at_once import back_up_now, drill_now
from provisioner.engine.backups.back_up import request_backup, request_drill
from provisioner.engine.backups.drill_steps import bring_back, set_stage, strike_stage
from provisioner.engine.benchmarks.guest import guest
from provisioner.engine.context import Context
from provisioner.engine.work import Work
from provisioner.errors import OperationFailed, Unavailable
from provisioner.models.community import Community
from provisioner.models.operation import Operation, OperationKind

MEGABYTE = 10**6
PHOTO_MB = 2
PATIENCE = 600.0
LOOK_SECONDS = 0.05


def bench_drill(context: Context, *, megabytes: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Makes a community, fills it, backs it up, drills it, restores it bare, and removes it."""
    with guest(context) as community:
        say(f"Writing {megabytes} MB of photos")
        fill_with_photos(context, community, megabytes)
        say("Backing it up")
        copied = _back_up(context, community)
        say("Restoring it where nobody reaches it")
        operation = request_drill(context, community, requested_by="bench")
        drilled = drill_now(context, community, operation, lambda _: None)
        say("Restoring it with restic alone")
        bare = _restore_bare(context, community)
    return {
        "seconds": drilled["seconds"],
        "bare_seconds": bare,
        "ratio": round(drilled["seconds"] / bare, 3),
        "backup_seconds": copied["seconds"],
        "megabytes": round(copied["bytes"] / MEGABYTE),
        "rows": drilled["rows"],
        "compared": "a drill, from asking for the first file until every row of the started app is "
        "counted, beside `restic restore` of the same backup in the same image and limits",
    }


def fill_with_photos(context: Context, community: Community, megabytes: int) -> None:
    """Random bytes, as photos are to whoever would compress them."""
    media = Path(home_dir(community, context.place)) / "data" / "media"
    uid = context.releases.get(community.release).recipe.app.uid
    for number in range(megabytes // PHOTO_MB):
        photo = media / f"bench-{number}.jpg"
        photo.write_bytes(os.urandom(PHOTO_MB * MEGABYTE))
        os.chown(photo, uid, uid)


def _back_up(context: Context, community: Community) -> dict[str, Any]:
    operation = request_backup(context, community, requested_by="bench")
    made = back_up_now(context, community, operation, lambda _: None)
    return next(each for each in made["backups"] if each["shelf"] == "local")


def _restore_bare(context: Context, community: Community) -> float:
    """Seconds of the restic command alone, as it says itself."""
    now = context.clock.now()
    operation = Operation(kind=OperationKind.DRILL, community_id=community.id, created_at=now)
    living = context.store.get_community(community.id)
    work = Work(context, operation, living, log=lambda _: None)
    told: dict[str, Any] = {}
    try:
        until_done(lambda: set_stage(work))
        until_done(lambda: told.update(bring_back(work)))
    finally:
        until_done(lambda: strike_stage(work))
    return float(told["seconds"])


def until_done(step: Callable[[], object]) -> None:
    ends = time.monotonic() + PATIENCE
    while True:
        try:
            step()
            return
        except Unavailable as reason:
            if time.monotonic() > ends:
                raise OperationFailed("took-too-long", reason=str(reason)) from reason
            time.sleep(LOOK_SECONDS)
