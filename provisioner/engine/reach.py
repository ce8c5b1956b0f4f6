"""Whom the worker reaches: witnesses of the public log while the root names some, else nobody."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from provisioner.core.control_plane import Ground, plan_part
from provisioner.engine.context import Context
from provisioner.engine.machine.ground import read_ground
from provisioner.engine.machine.own_journal import record_part
from provisioner.engine.releases.publisher import open_publisher
from provisioner.errors import Unavailable
from provisioner.models.release import Release
from provisioner.publishing.listing import find_newest
from provisioner.publishing.witnesses import read_policy_of

OURSELVES = "control"


def plan_ground(context: Context) -> Ground:
    """What the control plane stands on, with a way out if there are witnesses to be asked."""
    witnesses = read_policy_of(open_publisher(context)).witnesses
    return replace(read_ground(context), is_watched=any(each.url for each in witnesses))


def open_way_out(context: Context, ground: Ground) -> None:
    """Before the worker is started."""
    if ground.is_watched:
        context.engine.ensure_network(ground.way_out, internal=False, labels={})


def close_way_out(context: Context, ground: Ground) -> None:
    """After the worker was started. A network that is still let go of is left to the next time."""
    if not ground.is_watched:
        with suppress(Unavailable):
            context.engine.remove_network(ground.way_out)


def fit_worker(context: Context) -> bool:
    """Start the worker anew with the reach that it needs now; False where `up` has to do it:
    nothing runs here, or what runs is not the newest release of the control plane."""
    if not context.settings.control_plane_file.exists():
        return False
    release, ground = _find_deployed(context), plan_ground(context)
    worker = f"{ground.stack}-worker"
    if release is None or context.engine.find_task(worker) is None:
        return False
    open_way_out(context, ground)
    part = plan_part(ground, release, "worker")
    context.engine.ensure_service(part)
    record_part(context.settings, part)
    close_way_out(context, ground)
    return True


def _find_deployed(context: Context) -> Release | None:
    release = find_newest(open_publisher(context), OURSELVES, "stable")
    images = context.images
    is_whole = release and all(
        images.get(name, "").endswith(f"@{each.digest}") for name, each in release.images.items()
    )
    return release if is_whole else None
