"""Bring the control plane up on this machine. Running it again changes nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from provisioner.core.control_plane import CONTROL_UID, EDGE_UID, Ground, plan_control_plane
from provisioner.core.own_upgrade import Journal
from provisioner.engine.backups.backup_places import record_places
from provisioner.engine.context import Context
from provisioner.engine.machine.doctor import find_port_holder
from provisioner.engine.machine.ground import describe_deployed, ensure_keys
from provisioner.engine.machine.own_journal import prune_kept
from provisioner.engine.machine.own_verdict import await_own_verdict, record_own_verdict
from provisioner.engine.machine.parts import ask, await_that, hand_over, is_healthy, start_parts
from provisioner.engine.machine.prepare import prepare_host
from provisioner.engine.machine.resume import resume_communities
from provisioner.engine.machine.succession import (
    converge,
    go_back,
    put_back_unfinished,
    refuse_newer_database,
    settle_decided,
)
from provisioner.engine.operators import find_operator, make_operator_link
from provisioner.engine.reach import close_way_out, open_way_out, plan_ground
from provisioner.engine.releases.enrol import enrol_agents
from provisioner.engine.releases.release import (
    ensure_own_release,
    ensure_published,
    ensure_publisher,
    list_published,
)
from provisioner.engine.releases.stock import stock_registry
from provisioner.errors import PortTaken, PutBack
from provisioner.files import locked
from provisioner.models.lineup import Lineup
from provisioner.models.release import Release
from provisioner.models.verdict import Outcome
from provisioner.settings import Settings

LOOPBACK = "127.0.0.1"
Say = Callable[[str], None]


@dataclass(frozen=True)
class UpReport:
    """`operator_link` is empty when the operator has a password already; `verdict` is the outcome
    of the check of what was started; `not_started` are communities that should run and do not."""

    url: str
    operator_link: str
    seconds: float
    verdict: Outcome
    not_started: tuple[str, ...] = ()


def bring_up(settings: Settings, say: Say) -> UpReport:
    """From a prepared, an empty or an older machine to an open wizard.

    What runs here is upgraded, and put back when the new one does not prove itself. Raises
    OperatorError, PutBack and others.
    """
    began, context = time.monotonic(), Context(settings)
    refuse_newer_database(context)
    _refuse_taken_ports(context)
    with locked(settings.upgrade_dir, part="another `./taarafo up` to end"):
        prepare_host(settings, say)
        say("Starting Docker's swarm on this machine")
        context.engine.ensure_swarm(LOOPBACK)
        ensure_keys(context)
        journal = settle_decided(context, say)
        try:
            made = _make_ready(context, say)
        except Exception:
            put_back_unfinished(context, journal, say)
            raise
        return _bring_up(context, made, journal, say, began)


def bring_back(settings: Settings, say: Say, *, may_lose: bool = False) -> UpReport:
    """To the control plane that ran before the last upgrade; nothing is built.

    Raises UpgradeRefused, PutBack and OperatorError.
    """
    began, context = time.monotonic(), Context(settings)
    refuse_newer_database(context)
    with locked(settings.upgrade_dir, part="another `./taarafo up` to end"):
        go_back(context, say, may_lose=may_lose)
        prune_kept(settings, context.clock.now())
    return UpReport(
        url=settings.url,
        operator_link="",
        verdict=record_own_verdict(context).outcome,
        seconds=round(time.monotonic() - began, 1),
    )


@dataclass(frozen=True)
class _Made:
    """What is built and published, and how it is to be started here."""

    lineup: Lineup
    ground: Ground
    is_published: bool


def _make_ready(context: Context, say: Say) -> _Made:
    """All that takes long, while what runs here serves. Nothing of that is changed."""
    images = stock_registry(context, say)
    deployed = describe_deployed(context, images, record_places(context, say))
    ensure_publisher(context, say)
    release, ground = ensure_own_release(context, images, say), plan_ground(context)
    _prepare_ground(context, ground, release)
    lineup = Lineup(
        release.target,
        context.store.newest_revision,
        deployed,
        tuple(plan_control_plane(ground, release)),
    )
    is_published = any(each.target == release.target for each in list_published(context))
    return _Made(lineup, ground, is_published)


def _bring_up(
    context: Context, made: _Made, journal: Journal | None, say: Say, began: float
) -> UpReport:
    def start(lineup: Lineup) -> None:
        _prepare_database(context)
        say("Starting the control plane")
        start_parts(context, lineup)
        say("Waiting until it answers")
        await_that("The control plane", lambda: is_healthy(context))

    try:
        converge(context, made.lineup, journal, start, say, is_published=made.is_published)
    except PutBack:
        _resume(context, say)
        raise
    prune_kept(context.settings, context.clock.now())
    close_way_out(context, made.ground)
    ensure_published(context, say)
    enrol_agents(context)
    return UpReport(
        not_started=_resume(context, say),
        url=context.settings.url,
        operator_link=_make_link(context),
        verdict=_check(context, say),
        seconds=round(time.monotonic() - began, 1),
    )


def _resume(context: Context, say: Say) -> tuple[str, ...]:
    not_started = tuple(resume_communities(context))
    for address in not_started:
        say(f"{address} did not start. Run ./taarafo up again; its data is where it was.")
    return not_started


def _refuse_taken_ports(context: Context) -> None:
    """Only when the port's holder is not our own edge from an earlier run."""
    settings = context.settings
    if settings.gateway_socket.exists() and ask(context, "/releases/") != 0:
        return
    for port in (settings.port,) if settings.is_local else (80, 443):
        if holder := find_port_holder(port):
            raise PortTaken(port=port, program=str(holder))


def _prepare_database(context: Context) -> None:
    """Made here as root, so it is handed to the user that the services run as."""
    context.store.migrate()
    hand_over(context.settings)
    home = context.settings.web_dir
    home.mkdir(mode=0o750, exist_ok=True)
    os.chown(home, CONTROL_UID, EDGE_UID)


def _prepare_ground(context: Context, ground: Ground, release: Release) -> None:
    """Networks and secrets: what is there is left as it is."""
    engine = context.engine
    engine.ensure_network(ground.network, internal=True, labels={})
    if not context.settings.is_local:
        engine.ensure_network(f"{ground.stack}-public", internal=False, labels={})
    open_way_out(context, ground)
    for name in release.recipe.secrets:
        engine.ensure_secret(f"{ground.stack}-{name}", context.settings.read_secret(name), {})


def _check(context: Context, say: Say) -> Outcome:
    """Whatever comes out, what was started stays: the operator is told where to read more."""
    say("Checking what was started")
    verdict = await_own_verdict(context)
    settings = context.settings
    say(f"This control plane: {verdict.outcome}. {settings.url}/check/{settings.address}")
    return verdict.outcome


def _make_link(context: Context) -> str:
    operator = find_operator(context)
    if operator is not None and operator.password_hash:
        return ""
    return f"{context.settings.url}/operator/welcome/{make_operator_link(context)}"
