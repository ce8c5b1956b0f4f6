"""Stop what `up` started; or remove every trace of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial

from provisioner.engine.context import Context
from provisioner.errors import Unavailable

TRIES, PAUSE = 40, 0.25


def bring_down(context: Context, say: Callable[[str], None]) -> None:
    """Stop all our services. Data, keys, networks and secrets stay, so `up` continues."""
    say("Stopping the control plane and the communities")
    _remove_named(context, "service", context.engine.remove_service)


def purge(context: Context, say: Callable[[str], None]) -> None:
    """Also remove networks, secrets, configs, images and the state folder: no way back."""
    bring_down(context, say)
    engine = context.engine
    say("Removing networks, keys and settings")
    _remove_named(context, "network", engine.remove_network)
    _remove_named(context, "secret", engine.remove_secret)
    _remove_named(context, "config", engine.remove_config)
    if not engine.list_named(""):
        engine.leave_swarm()
    engine.remove_images(f"{context.settings.registry}/")
    say("Erasing everything that was kept")
    context.store.close()
    shutil.rmtree(context.settings.state, ignore_errors=False)


def _remove_named(context: Context, kind: str, remove: Callable[[str], None]) -> None:
    for found in context.engine.list_named(f"{context.settings.stack}-"):
        found_kind, _, name = found.partition(":")
        if found_kind == kind:
            _try_often(partial(remove, name), context)


def _try_often(call: Callable[[], None], context: Context) -> None:
    """A network is released a moment after its last container."""
    for _ in range(TRIES - 1):
        try:
            return call()
        except Unavailable:
            context.clock.sleep(PAUSE)
    return call()
