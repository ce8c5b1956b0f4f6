"""Bring the control plane up on this machine. Running it again changes nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from provisioner.core.control_plane import (
    CONTROL_UID,
    EDGE_UID,
    Ground,
    plan_control_plane,
    plan_part,
)
from provisioner.engine.backup_places import record_places
from provisioner.engine.context import Context
from provisioner.engine.doctor import find_port_holder
from provisioner.engine.enrol import enrol_agents
from provisioner.engine.ground import ensure_keys, record_deployed
from provisioner.engine.operators import find_operator, make_operator_link
from provisioner.engine.own_verdict import await_own_verdict
from provisioner.engine.prepare import prepare_host
from provisioner.engine.reach import close_way_out, open_way_out, plan_ground
from provisioner.engine.release import (
    ensure_own_release,
    ensure_published,
    ensure_publisher,
)
from provisioner.engine.resume import resume_communities
from provisioner.engine.stock import stock_registry
from provisioner.errors import PortTaken, TookTooLong, Unavailable
from provisioner.models.release import Release
from provisioner.models.verdict import Outcome
from provisioner.publishing.registry import is_answering
from provisioner.settings import Settings

LOOPBACK = "127.0.0.1"
HEALTHY_WITHIN = 60  # seconds

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
    """From a prepared or an empty machine to an open wizard. Raises OperatorError and others."""
    began, context = time.monotonic(), Context(settings)
    _refuse_taken_ports(context)
    prepare_host(settings, say)
    say("Starting Docker's swarm on this machine")
    context.engine.ensure_swarm(LOOPBACK)
    ensure_keys(context)
    images = stock_registry(context, say)
    record_deployed(context, images, record_places(context, say))
    ensure_publisher(context, say)
    release, ground = ensure_own_release(context, images, say), plan_ground(context)
    _start_registry(context, ground, release)
    ensure_published(context, say)
    _prepare_database(context)
    _start(context, ground, release, say)
    enrol_agents(context)
    not_started = resume_communities(context)
    for address in not_started:
        say(f"{address} did not start. Run ./taarafo up again; its data is where it was.")
    return UpReport(
        not_started=tuple(not_started),
        url=settings.url,
        operator_link=_make_link(context),
        verdict=_check(context, say),
        seconds=round(time.monotonic() - began, 1),
    )


def _refuse_taken_ports(context: Context) -> None:
    """Only when the port's holder is not our own edge from an earlier run."""
    settings = context.settings
    if settings.gateway_socket.exists() and _is_healthy(context):
        return
    for port in (settings.port,) if settings.is_local else (80, 443):
        if holder := find_port_holder(port):
            raise PortTaken(port=port, program=str(holder))


def _prepare_database(context: Context) -> None:
    """Made here as root, so it is handed to the user that the services run as."""
    context.store.migrate()
    for path in context.settings.db_dir.glob("taarafo.sqlite3*"):
        os.chown(path, CONTROL_UID, CONTROL_UID)
    home = context.settings.edge_dir / context.settings.base_host
    home.mkdir(mode=0o750, exist_ok=True)
    os.chown(home, CONTROL_UID, EDGE_UID)


def _start_registry(context: Context, ground: Ground, release: Release) -> None:
    """Everything else is fetched from it."""
    context.engine.ensure_service(plan_part(ground, release, "registry"))
    _await("The registry", lambda: is_answering(context.settings.registry))


def _start(context: Context, ground: Ground, release: Release, say: Say) -> None:
    say("Starting the control plane")
    engine = context.engine
    engine.ensure_network(ground.network, internal=True, labels={})
    if not context.settings.is_local:
        engine.ensure_network(f"{ground.stack}-public", internal=False, labels={})
    open_way_out(context, ground)
    for name in release.recipe.secrets:
        engine.ensure_secret(f"{ground.stack}-{name}", context.settings.read_secret(name), {})
    for spec in plan_control_plane(ground, release):
        engine.ensure_service(spec)
    close_way_out(context, ground)
    say("Waiting until it answers")
    _await("The control plane", lambda: _is_healthy(context))


def _await(what: str, has_come: Callable[[], bool]) -> None:
    """Raises TookTooLong."""
    ends = time.monotonic() + HEALTHY_WITHIN
    while not has_come():
        if time.monotonic() > ends:
            raise TookTooLong(what=what, seconds=HEALTHY_WITHIN)
        time.sleep(0.1)


def _is_healthy(context: Context) -> bool:
    try:
        return context.gateway.get_status(context.settings.base_host, "/healthz") == 200
    except Unavailable:
        return False


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
