"""Start the parts of the control plane in their order, stop those that write, wait for them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial

from provisioner.core.control_plane import CONTROL_UID
from provisioner.engine.context import Context
from provisioner.engine.machine.ground import write_deployed
from provisioner.errors import TookTooLong, Unavailable
from provisioner.models.lineup import Lineup
from provisioner.publishing.registry import is_answering
from provisioner.settings import Settings

WRITERS = ("web", "worker")  # the only ones that have the database
HEALTHY_WITHIN, STOPPED_WITHIN = 60, 30  # seconds


def start_parts(context: Context, lineup: Lineup) -> None:
    """All others are fetched from the registry, so that one comes first. What runs as it should is
    left alone. Raises TookTooLong and Unavailable."""
    registry, *others = lineup.parts
    write_deployed(context, lineup.deployed)
    context.engine.ensure_service(registry)
    await_that("The registry", lambda: is_answering(context.settings.registry))
    for part in others:
        context.engine.ensure_service(part)


def stop_writers(context: Context, lineup: Lineup) -> None:
    """Who is inside is served to the end. Raises TookTooLong while one still runs."""
    for name in WRITERS:
        part = lineup.get_part(name)
        context.engine.stop_service(part)
        has_stopped = partial(context.engine.has_stopped, part.name)
        await_that(f"Stopping {part.name}", has_stopped, STOPPED_WITHIN)


def await_that(what: str, has_come: Callable[[], bool], seconds: float = HEALTHY_WITHIN) -> None:
    """Raises TookTooLong."""
    ends = time.monotonic() + seconds
    while not has_come():
        if time.monotonic() > ends:
            raise TookTooLong(what=what, seconds=round(seconds))
        time.sleep(0.1)


def is_healthy(context: Context, *, door: str = "") -> bool:
    """Whether the web answers, at its public address or behind a door."""
    return ask(context, "/healthz", door=door) == 200


def hand_over(settings: Settings) -> None:
    """The database, when it was written here as root, to the user that the services run as."""
    for path in settings.db_dir.glob("taarafo.sqlite3*"):
        os.chown(path, CONTROL_UID, CONTROL_UID)


def ask(context: Context, path: str, *, door: str = "") -> int:
    """The status of a page of the control plane; 0 while nobody answers."""
    try:
        return context.gateway.get_status(context.settings.base_host, path, door=door)
    except Unavailable:
        return 0
