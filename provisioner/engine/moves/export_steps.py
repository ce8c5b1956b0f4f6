"""The steps of an export: it can only be read, is copied, read back, counted, signed and packed.

The bundle is there whole or not at all. What fails leaves nothing behind, and lets it be written
again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from pathlib import PurePosixPath
from typing import Any

from provisioner.core.bundle import FORM
from provisioner.core.keeping import BEFORE_BACKUP, plan_room
from provisioner.core.letter import sign_letter
from provisioner.core.moving import (
    plan_export,
    plan_leave_no_part,
    plan_pack,
    plan_reading,
    plan_writing,
)
from provisioner.core.tally import Tally
from provisioner.engine.backups import back_up_steps
from provisioner.engine.backups.back_up_steps import COPY_SECONDS, clear, get_recipe
from provisioner.engine.backups.phrase import ensure_phrase, seal_card, withdraw_phrase
from provisioner.engine.create_steps import await_job
from provisioner.engine.moves.signing import get_signing_key
from provisioner.engine.reports import await_command, await_report
from provisioner.engine.work import StepPlan, Work
from provisioner.errors import BackupFailed, ExportFailed, Unavailable
from provisioner.models.bundle import Bundle
from provisioner.models.service import JobSpec

BUNDLE = "bundle"  # the kind of letter that is in one
SETTLING = timedelta(seconds=3)  # for what was on its way in when it was closed


def _as_export(effect: Callable[[Work], None]) -> Callable[[Work], None]:
    """What does not work is said as what it means here."""

    @wraps(effect)
    def told(work: Work) -> None:
        try:
            effect(work)
        except BackupFailed as error:
            raise ExportFailed(error.detail, reason=error.facts["reason"]) from error

    return told


@_as_export
def close_to_writing(work: Work) -> None:
    """At the edge: the community itself runs on, and everybody can read."""
    if work.operation.asked["keeps_open"]:
        return
    job = plan_reading(work.community, work.place_on_nodes)
    await_command(work, job, "everybody to be told", "it could not be closed to writing")
    if work.community.reading_since is None:
        work.change(reading_since=work.context.clock.now())


def await_last_words(work: Work) -> None:
    """Who was writing when it was closed ends that. Raises Unavailable until then."""
    since = work.community.reading_since
    if work.operation.asked["keeps_open"] or since is None:
        return
    if work.context.clock.now() - since < SETTLING:
        raise Unavailable("settling", part="the last words to arrive")


@_as_export
def make_room(work: Work) -> None:
    ensure_phrase(work)
    job = plan_room(work.community, work.place_on_nodes)
    await_command(work, job, "room for your bundle", "there is no room for it")


@_as_export
def copy_database(work: Work) -> None:
    back_up_steps.copy_database(work)


@_as_export
def copy_for_bundle(work: Work) -> None:
    _await_copy(work)


@_as_export
def sign_and_pack(work: Work) -> None:
    """The letter is signed here: no node has the key."""
    await_report(work, _plan_pack(work), "everything to be packed")


@_as_export
def record_bundle(work: Work) -> None:
    """Raises ExportFailed for reports that are not complete."""
    copied, packed = _await_copy(work), await_report(work, _plan_pack(work), "everything packed")
    asked, letter = work.operation.asked, _write_letter(work, copied)
    try:
        tally = Tally.from_json(copied["tally"])
        row = Bundle(
            community_id=work.community.id,
            operation_id=work.operation.id,
            letter=hashlib.sha256(letter).hexdigest(),
            sha256=str(packed["sha256"]),
            file=str(PurePosixPath(asked["folder"]) / asked["file"]),
            snapshot=str(copied["snapshot"]),
            release=work.community.release,
            files=tally.files,
            bytes=tally.bytes,
            rows=dict(tally.rows),
            made_at=work.context.clock.now(),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BackupFailed(repr(error), reason="its report is not complete") from error
    work.context.store.record_bundle(row)
    work.log(f"{tally.files} files, {tally.bytes} bytes, {tally.row_count} rows; read back whole")


def tidy_export(work: Work) -> None:
    """No job, no words and nothing half made stays."""
    engine, place = work.context.engine, work.place_on_nodes
    names = [plan_room(work.community, place).service.name, f"{work.name}-{BEFORE_BACKUP}"]
    names += [f"{work.name}-export", f"{work.name}-pack"]
    names += [plan_reading(work.community, place).service.name]
    for name in names:
        engine.remove_service(name)
    withdraw_phrase(work)
    asked = work.operation.asked
    job = plan_leave_no_part(work.community, asked["folder"], _part(work), place)
    engine.start_job(job)
    await_job(work, job.service.name, "the last traces to go")
    engine.remove_service(job.service.name)
    clear(work)


def reopen(work: Work) -> None:
    """As it was before this export was asked for."""
    if work.operation.asked["keeps_open"] or work.operation.asked["was_reading"]:
        return
    open_to_writing(work)


def open_to_writing(work: Work) -> None:
    """Tried again until it works: nobody could write otherwise."""
    job, engine = plan_writing(work.community, work.place_on_nodes), work.context.engine
    engine.start_job(job)
    await_job(work, job.service.name, "everybody to be told")
    engine.remove_service(job.service.name)
    work.change(reading_since=None)


def _await_copy(work: Work) -> dict[str, Any]:
    """What was counted. Raises Unavailable until it is there whole."""
    return await_report(work, _plan_export(work), "everything to be copied and read back")


def _plan_export(work: Work) -> JobSpec:
    return plan_export(
        work.community,
        get_recipe(work),
        work.operation.asked["folder"],
        _part(work),
        seal_card(work),
        work.place_on_nodes,
    )


def _plan_pack(work: Work) -> JobSpec:
    asked, letter = work.operation.asked, _write_letter(work, _await_copy(work))
    return plan_pack(
        work.community,
        asked["folder"],
        _part(work),
        asked["file"],
        letter.decode("ascii"),
        work.place_on_nodes,
    )


def _write_letter(work: Work, copied: dict[str, Any]) -> bytes:
    """The same for every worker that continues this Operation."""
    release = work.read_release(work.community.release)
    told = {
        "form": FORM,
        "community": work.community.id,
        "address": work.community.address,
        "control_plane": work.context.settings.url,
        "app": work.community.app,
        "release": release.target,
        "version": release.version,
        "made_at": work.operation.created_at.isoformat(),
        "moves": not work.operation.asked["keeps_open"],
        "snapshot": copied["snapshot"],
        "tally": copied["tally"],
        "contents": copied["contents"],
    }
    return sign_letter(BUNDLE, told, get_signing_key(work.context))


def _part(work: Work) -> str:
    return f".{work.operation.asked['file']}.{work.operation.id[:10]}"


EXPORT_STEPS = (
    StepPlan("close_to_writing", close_to_writing, poll_seconds=0.1),
    StepPlan("await_last_words", await_last_words, poll_seconds=0.1),
    StepPlan("make_room", make_room, poll_seconds=0.1),
    StepPlan("copy_database", copy_database, poll_seconds=0.1, deadline_seconds=1800),
    StepPlan("copy_for_bundle", copy_for_bundle, poll_seconds=0.1, deadline_seconds=COPY_SECONDS),
    StepPlan("sign_and_pack", sign_and_pack, poll_seconds=0.1, deadline_seconds=COPY_SECONDS),
    StepPlan("record_bundle", record_bundle),
    StepPlan("tidy_export", tidy_export, poll_seconds=0.1),
)
UNDO_EXPORT_STEPS = (
    StepPlan("reopen", reopen, poll_seconds=0.1),
    StepPlan("leave_export", tidy_export, poll_seconds=0.1),
)
STAY_STEPS = (StepPlan("open_to_writing", open_to_writing, poll_seconds=0.1),)
