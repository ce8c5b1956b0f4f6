"""Drills of a community with a gigabyte of photos, beside `restic restore` of the same alone."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from provisioner.core.keeping import get_backup, list_shelves, plan_bring_back
from provisioner.core.place import home_dir, repository_dir
from provisioner.core.tally import Tally
from provisioner.engine.at_once import back_up_now, drill_now
from provisioner.engine.backups.back_up import request_backup, request_drill
from provisioner.engine.backups.drill_steps import get_drilled, set_stage, strike_stage
from provisioner.engine.benchmarks.guest import guest
from provisioner.engine.context import Context
from provisioner.engine.reports import await_report
from provisioner.engine.work import Work
from provisioner.errors import BackupFailed, OperationFailed, Unavailable
from provisioner.models.community import Community
from provisioner.models.operation import Operation, OperationKind
from provisioner.models.service import JobSpec

MEGABYTE = 10**6
PHOTO_MB = 2
ROUNDS = 5
PATIENCE = 600.0
LOOK_SECONDS = 0.05


def bench_drill(
    context: Context, *, megabytes: int, rounds: int = ROUNDS, say: Callable[[str], None]
) -> dict[str, Any]:
    """Makes a community and a backup of it, restores that in two ways in turns, and removes all."""
    with guest(context) as community:
        say(f"Writing {megabytes} MB of photos")
        fill_with_photos(context, community, megabytes)
        say("Backing it up")
        copied = _back_up(context, community)
        drilled, bare = [], []
        for number in range(1, rounds + 1):
            say(f"Restoring it where nobody reaches it, {number} of {rounds}")
            drilled.append(_drill(context, community))
            say(f"Restoring it with restic alone, {number} of {rounds}")
            bare.append(_restore_bare(context, community))
    seconds = statistics.median(each["seconds"] for each in drilled)
    bare_seconds = statistics.median(bare)
    return {
        "seconds": seconds,
        "bare_seconds": bare_seconds,
        "ratio": round(seconds / bare_seconds, 3),
        "each_seconds": [each["seconds"] for each in drilled],
        "each_bare_seconds": bare,
        "whole_seconds": statistics.median(each["whole_seconds"] for each in drilled),
        "backup_seconds": copied["seconds"],
        "megabytes": round(copied["bytes"] / MEGABYTE),
        "rows": drilled[-1]["rows"],
        "compared": "in turns, by their medians: drills, each from the start of restic until every "
        "row of the started app is counted, and a `restic restore` of the same backup in the same "
        "image and limits, from its start to its end, both with nothing of the backup in memory. "
        "`whole_seconds` is a drill with making room before and taking everything away after",
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


def _drill(context: Context, community: Community) -> dict[str, Any]:
    _rest(context, community)
    began = time.monotonic()
    operation = request_drill(context, community, requested_by="bench")
    drilled = drill_now(context, community, operation, lambda _: None)
    return {**drilled, "whole_seconds": round(time.monotonic() - began, 2)}


def _restore_bare(context: Context, community: Community) -> float:
    """Seconds of the restic command alone, as it says itself."""
    _rest(context, community)
    now = context.clock.now()
    operation = Operation(kind=OperationKind.DRILL, community_id=community.id, created_at=now)
    living = context.store.get_community(community.id)
    work = Work(context, operation, living, log=lambda _: None)
    told: dict[str, Any] = {}
    job = _plan_bare(work)
    try:
        until_done(lambda: set_stage(work))
        until_done(lambda: told.update(await_report(work, job, "the backup to come back")))
    finally:
        context.engine.remove_service(job.service.name)
        until_done(lambda: strike_stage(work))
    return float(told["seconds"])


def _rest(context: Context, community: Community) -> None:
    """As it would be a week later: all is on the disk, and nothing of the backup in memory."""
    os.sync()
    for path in Path(repository_dir(community, context.place)).rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _plan_bare(work: Work) -> JobSpec:
    backup, place = get_drilled(work), work.place_on_nodes
    recipe = get_backup(work.read_release(backup.release))
    if recipe is None:
        raise BackupFailed(reason="its version cannot be backed up")
    shelf = next(each for each in list_shelves(work.community, place) if each.name == backup.shelf)
    tally = Tally(backup.files, backup.bytes, backup.rows)
    return plan_bring_back(work.community, recipe, shelf, backup.snapshot, tally, place)


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
