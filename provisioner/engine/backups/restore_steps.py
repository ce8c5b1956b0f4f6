"""The steps that bring a community back from its backup, also where nobody ever knew it.

The backup is only read. Each step may be run again after a crash at any instant; what fails is
taken away again, and the name is free.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from provisioner.core.keeping import (
    AFTER_RESTORE,
    Shelf,
    find_source,
    get_backup,
    plan_bring_back,
    plan_find_card,
    plan_move_in,
    plan_room,
    plan_stage,
    source_secret,
)
from provisioner.core.planning import OWNER_SECRET, plan_command
from provisioner.core.tally import Tally
from provisioner.core.versions import version_key
from provisioner.engine.backups.back_up_steps import clear
from provisioner.engine.backups.phrase import (
    PHRASE,
    SOURCE_KEYS,
    ensure_phrase,
    open_card,
    withdraw_phrase,
)
from provisioner.engine.create_steps import (
    SIGNIN_LIFETIME,
    attest,
    await_health,
    await_job,
    await_owner,
    check_room,
    create_network,
    create_owner,
    prepare_node,
    render_configs,
    start_service,
    tidy,
)
from provisioner.engine.keys import mint_secrets_for, mint_token, sha256_of, write_owner
from provisioner.engine.remove_steps import REMOVE_STEPS
from provisioner.engine.reports import await_command, await_report
from provisioner.engine.work import StepPlan, Work
from provisioner.errors import BackupFailed, Conflict, NotEnoughRoom, ReleaseUnknown, RestoreFailed
from provisioner.models.card import Card
from provisioner.models.release import RecipeBackup, Release
from provisioner.models.service import JobSpec

RESTORE_SECONDS = 6 * 3600
MEGABYTE = 2**20
SPARE = 1.1  # of what comes, for the tables of the disk


def _as_restore(effect: Callable[[Work], None]) -> Callable[[Work], None]:
    """What is wrong with a backup is said as what it means here."""

    @wraps(effect)
    def told(work: Work) -> None:
        try:
            effect(work)
        except BackupFailed as error:
            raise RestoreFailed(error.detail, reason=error.facts["reason"]) from error

    return told


# -- what the backup says of itself ----------------------------------------------------------------


@_as_restore
def open_backup(work: Work) -> None:
    """Its newest card, and from it everything about the community but its address."""
    _hand_over_keys(work)
    room = plan_room(work.community, work.place_on_nodes)
    await_command(work, room, "room for your backup", "there is no room to read it")
    told = await_report(work, _plan_find_card(work), "your backup to be opened")
    card = open_card(str(told["card"]), work.secrets[PHRASE])
    asked = {
        **work.operation.asked,
        "label": work.operation.asked["label"] or card.label,
        "snapshot": str(told["snapshot"]),
        "tally": json.dumps(told["tally"]),
        "made_at": str(told["made_at"]),
        "release": card.release,
        "version": card.version,
    }
    work.note(asked)
    _write_down(work, card)


def _write_down(work: Work, card: Card) -> None:
    """Her page opens by the same link as before, unless it opens another one's here."""
    secrets = dict(card.secrets)
    known = work.context.store.find_by_console(sha256_of(secrets["console"]))
    secrets["signin"] = mint_token()  # the old one was used long ago, or should not be
    if known is not None and known.id != work.community.id:
        secrets["console"] = mint_token()
    work.keep_secrets(secrets)
    work.change(
        name=card.name,
        founder=card.founder,
        email=card.email,
        preset=card.preset,
        promises=card.promises.model_dump(mode="json"),
        app=card.app,
        channel=card.channel,
        zone=card.zone,
        console_sha256=sha256_of(secrets["console"]),
    )


def take_name(work: Work) -> None:
    """Everything on the Swarm is called by it, so what was made under the other name goes first."""
    label, engine = work.operation.asked["label"], work.context.engine
    if work.community.label == label:
        return
    for job in (_plan_find_card(work), plan_room(work.community, work.place_on_nodes)):
        engine.remove_service(job.service.name)
    _take_keys_back(work)
    try:
        work.rename(label, work.context.settings.address_of(label))
    except Conflict as error:
        reason = f"“{label}”, or one just like it, is taken here; choose another one with --as"
        raise RestoreFailed(label, reason=reason) from error


def check_size(work: Work) -> None:
    """Refuse before anything is brought here."""
    check_room(work)
    free = work.context.room.free_mb()
    needed = round(_tally(work).bytes * SPARE) // MEGABYTE + work.context.settings.minimum_free_mb
    if free < needed:
        raise NotEnoughRoom(free_mb=free, needed_mb=needed)


def choose_version(work: Work) -> None:
    """The one that ran, where it is published here and still safe; or else the newest.

    Data is put in order for newer versions, never for older ones.
    """
    if not work.community.release:
        release = _find_release(work)
        work.change(release=release.target, version=release.version)
        work.release = release
    work.log(f"release {work.community.release}")


def _find_release(work: Work) -> Release:
    asked, releases = work.operation.asked, work.context.releases
    newest = releases.newest(work.community.app, work.community.channel)
    floor = releases.describe(newest.target).security_floor
    if version_key(newest.version) < version_key(asked["version"]):
        reason = (
            f"it ran version {asked['version']}, and the newest one here is {newest.version}; "
            f"bring this control plane up to date first"
        )
        raise RestoreFailed(asked["version"], reason=reason)
    if version_key(asked["version"]) < version_key(floor):
        return newest
    try:
        return releases.get(asked["release"])
    except ReleaseUnknown:
        return newest


# -- what it is made of ----------------------------------------------------------------------------


def hand_over_secrets(work: Work) -> None:
    """Those it had, those that its version has beyond, and a fresh key for its founder."""
    minted = mint_secrets_for(work.release.recipe).sealed
    work.keep_secrets({name: minted[name] for name in minted.keys() - work.secrets.keys()})
    engine, plan = work.context.engine, work.plan
    for name in plan.secrets:
        value = bytes.fromhex(work.secrets[f"app:{name}"])
        engine.ensure_secret(f"{plan.name}-{name}", value, plan.labels)
    expires = work.community.created_at + SIGNIN_LIFETIME
    owner = write_owner(work.community, work.secrets, expires, invites=False)
    engine.ensure_secret(f"{plan.name}-{OWNER_SECRET}", owner, plan.labels)


@_as_restore
def make_place(work: Work) -> None:
    prepare_node(work)
    job = plan_stage(work.community, work.release, work.place_on_nodes)
    await_command(work, job, "room for your things", "there is no room for it")


@_as_restore
def bring_home(work: Work) -> None:
    """Beside where the app will look for it. Raises RestoreFailed unless every count matches."""
    _hand_over_keys(work)
    told = await_report(work, _plan_bring_home(work), "your things to come")
    work.note({**work.operation.asked, "found": json.dumps(told["tally"])})
    work.log(f"{told['tally']['files']} files came in {told['seconds']} s, all counts match")


@_as_restore
def move_in(work: Work) -> None:
    await_job(work, work.plan.prepare.service.name, "room for your community")
    job = plan_move_in(work.community, work.place_on_nodes)
    await_command(work, job, "your things to be put in place", "they could not be put in place")


def lay_out(work: Work) -> None:
    """The recipe's `after-restore`, before anybody comes."""
    _run(work, AFTER_RESTORE, "your words to be put back")


def migrate(work: Work) -> None:
    """It may be that a newer version runs than the one that wrote the data."""
    if "migrate" in work.release.recipe.commands:
        _run(work, "migrate", "your things to be put in order")


def tidy_restore(work: Work) -> None:
    """No job, no words, no keys and nothing in plain stays."""
    place, engine = work.place_on_nodes, work.context.engine
    tidy(work)
    for job in (
        plan_stage(work.community, work.release, place),
        _plan_find_card(work),
        plan_room(work.community, place),
        _plan_bring_home(work),
        plan_move_in(work.community, place),
    ):
        engine.remove_service(job.service.name)
    _take_keys_back(work)
    work.keep_secrets({SOURCE_KEYS: ""})
    clear(work)


# -- within ----------------------------------------------------------------------------------------


def _run(work: Work, verb: str, part: str) -> None:
    job = plan_command(work.plan.service, work.release, verb)
    work.context.engine.start_job(job)
    await_job(work, job.service.name, part)
    work.context.engine.remove_service(job.service.name)


def _hand_over_keys(work: Work) -> None:
    """Its words, and the keys of the S3 store where it is in one."""
    ensure_phrase(work)
    if keys := work.secrets[SOURCE_KEYS]:
        name = source_secret(work.community, work.place)
        labels = {"org.taarafo.of": work.community.id}
        work.context.engine.ensure_secret(name, keys.encode(), labels)


def _take_keys_back(work: Work) -> None:
    withdraw_phrase(work)
    work.context.engine.remove_secret(source_secret(work.community, work.place))


def _source(work: Work) -> Shelf:
    return find_source(work.community, work.operation.asked["source"], work.place)


def _plan_find_card(work: Work) -> JobSpec:
    snapshot = work.operation.asked["snapshot"]
    return plan_find_card(work.community, _source(work), snapshot, work.place_on_nodes)


def _plan_bring_home(work: Work) -> JobSpec:
    return plan_bring_back(
        work.community,
        _recipe(work),
        _source(work),
        work.operation.asked["snapshot"],
        _tally(work),
        work.place_on_nodes,
    )


def _recipe(work: Work) -> RecipeBackup:
    backup = get_backup(work.release)
    if backup is None:
        raise RestoreFailed(reason=f"version {work.release.version} cannot be brought back")
    return backup


def _tally(work: Work) -> Tally:
    told: dict[str, Any] = json.loads(work.operation.asked["tally"])
    return Tally.from_json(told)


RESTORE_STEPS = (
    StepPlan("open_backup", open_backup, poll_seconds=0.1),
    StepPlan("take_name", take_name),
    StepPlan("check_size", check_size),
    StepPlan("choose_version", choose_version),
    StepPlan("hand_over_secrets", hand_over_secrets),
    StepPlan("render_configs", render_configs),
    StepPlan("create_network", create_network),
    StepPlan("make_place", make_place, poll_seconds=0.05),
    StepPlan("bring_home", bring_home, poll_seconds=0.1, deadline_seconds=RESTORE_SECONDS),
    StepPlan("move_in", move_in, poll_seconds=0.05),
    StepPlan("lay_out", lay_out, poll_seconds=0.1, deadline_seconds=1800),
    StepPlan("migrate", migrate, poll_seconds=0.1, deadline_seconds=1800),
    StepPlan("start_service", start_service, poll_seconds=0.03),
    StepPlan("create_owner", create_owner),
    StepPlan("await_health", await_health, poll_seconds=0.05),
    StepPlan("await_owner", await_owner, poll_seconds=0.05),
    StepPlan("tidy_restore", tidy_restore, poll_seconds=0.1),
    StepPlan("attest", attest, poll_seconds=0.25, deadline_seconds=30, is_vital=False),
)
UNDO_RESTORE_STEPS = REMOVE_STEPS
