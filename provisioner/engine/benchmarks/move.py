"""A move of a community with a gigabyte of photos, beside `restic backup` and `restore` alone."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from provisioner.core.keeping import READ_ALL, Shelf, plan_keeper, plan_room, plan_stage
from provisioner.core.node_jobs import CAPABILITIES
from provisioner.core.place import drill_dir, home_dir
from provisioner.engine.at_once import export_now, move_now
from provisioner.engine.backups.back_up_steps import clear
from provisioner.engine.backups.phrase import ensure_phrase, get_phrase, withdraw_phrase
from provisioner.engine.benchmarks.drill import MEGABYTE, fill_with_photos, until_done
from provisioner.engine.benchmarks.guest import guest, remove_guest
from provisioner.engine.context import Context
from provisioner.engine.moves.export import request_export
from provisioner.engine.moves.import_now import Wish, import_now
from provisioner.engine.moves.move import read_receipt_file, request_move
from provisioner.engine.reports import await_command, await_report
from provisioner.engine.work import Work
from provisioner.models.community import Community
from provisioner.models.operation import Operation, OperationKind
from provisioner.models.service import JobSpec, Mount

BARE = """
import sys, time
from provisioner.node.places import INSIDE
from provisioner.node.report import run_job

def bare(wish):
    repository = INSIDE.open_repository(wish)
    repository.ensure()
    began = time.monotonic()
    repository.run("backup", "/data")
    repository.run("restore", "latest", "--target", "/target/back")
    return {"seconds": round(time.monotonic() - began, 2)}

sys.exit(run_job("bare", bare))
"""


def bench_move(context: Context, *, megabytes: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Makes a community, fills it, moves it to another address here, and removes both."""
    folder = context.settings.state / "bench-move"
    with guest(context) as community:
        folder.mkdir()
        try:
            say(f"Writing {megabytes} MB of photos")
            fill_with_photos(context, community, megabytes)
            say("Copying it with restic alone")
            bare = _copy_bare(context, community)
            told = _move(context, community, folder, say)
        finally:
            shutil.rmtree(folder)
            _remove_moved(context, _new_label(community))
    return {
        "seconds": told["seconds"],
        "bare_seconds": bare,
        "ratio": round(told["seconds"] / bare, 3),
        **told,
        "compared": "from asking for the export until the old address leads to the new one, both "
        "on this machine, beside `restic backup` and `restic restore` of the same data in the "
        "same image and limits",
    }


def _move(
    context: Context, community: Community, folder: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    file, receipt = folder / "bundle", folder / "receipt"
    began = time.monotonic()
    say("Exporting it")
    asked = request_export(context, community, file=file, requested_by="bench")
    bundle = export_now(context, community, asked, lambda _: None)
    exported = time.monotonic()
    say("Importing it")
    phrase = get_phrase(context, context.store.get_community(community.id))
    wish = Wish(file, phrase, receipt, bundle["signed_by"], _new_label(community))
    came = import_now(context, wish, say=say, on_progress=lambda _: None)
    imported = time.monotonic()
    say("Leading everybody there")
    living = context.store.get_community(community.id)
    proof = read_receipt_file(receipt)
    moving = request_move(context, living, receipt=proof, requested_by="bench")
    move_now(context, living, moving, lambda _: None)
    ended = time.monotonic()
    return {
        "seconds": round(ended - began, 2),
        "export_seconds": round(exported - began, 2),
        "import_seconds": round(imported - exported, 2),
        "redirect_seconds": round(ended - imported, 2),
        "megabytes": round(bundle["bytes"] / MEGABYTE),
        "rows": came["rows"],
    }


def _copy_bare(context: Context, community: Community) -> float:
    """Seconds of both restic commands alone, as their job says itself."""
    now, told = context.clock.now(), dict[str, Any]()
    operation = Operation(kind=OperationKind.EXPORT, community_id=community.id, created_at=now)
    work = Work(context, operation, community, log=lambda _: None)
    job, place = _plan_bare(work), work.place_on_nodes
    stage = plan_stage(community, work.release, place)
    room = plan_room(community, place)
    try:
        ensure_phrase(work)
        until_done(lambda: await_command(work, room, "room", "there is no room"))
        until_done(lambda: await_command(work, stage, "room", "there is no room"))
        until_done(lambda: told.update(await_report(work, job, "the copy")))
    finally:
        for each in (job, stage, room):
            context.engine.remove_service(each.service.name)
        withdraw_phrase(work)
        until_done(lambda: clear(work))
    return float(told["seconds"])


def _plan_bare(work: Work) -> JobSpec:
    place, community = work.place_on_nodes, work.community
    mounts = (
        Mount(f"{home_dir(community, place)}/data", "/data", read_only=True),
        Mount(drill_dir(community, place), "/target"),
    )
    wish = {"repository": "/target/repository"}
    capabilities = (*READ_ALL, *CAPABILITIES)
    job = plan_keeper(community, place, Shelf(""), "bare", wish, mounts, capabilities)
    command = ("python3", "-c", BARE, job.service.command[-1])
    return JobSpec(replace(job.service, command=command))


def _new_label(community: Community) -> str:
    return f"{community.label}-moved"


def _remove_moved(context: Context, label: str) -> None:
    found = context.store.find_community(label)
    if found is not None and found.reserved is not None:
        remove_guest(context, found)
