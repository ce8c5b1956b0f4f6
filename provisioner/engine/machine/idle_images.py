"""Clear away images that this node's engine keeps and nothing needs any more."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from provisioner.core.idle_images import KEPT_OF_OURSELVES, list_references, plan_clearing
from provisioner.engine.context import Context
from provisioner.engine.reach import OURSELVES
from provisioner.models.release import release_target
from provisioner.ports import Reading

log = logging.getLogger(__name__)


def clear_images(context: Context) -> list[str]:
    """Returns what was removed. When releases cannot be read, nothing is."""
    engine, store, registry = context.engine, context.store, context.settings.registry
    needed = _list_needed(context) | engine.list_service_images() | set(context.images.values())
    plan = plan_clearing(
        engine.list_images(),
        needed,
        store.list_idle_images(),
        registry=registry,
        registry_image=context.images["registry"],
        now=context.clock.now(),
    )
    removed = [each for each in plan.removed if engine.remove_image(each)]
    store.keep_idle_images(plan.idle)
    for each in removed:
        log.info("removed the image %s, which nothing needed", each)
    return removed


def _list_needed(context: Context) -> frozenset[str]:
    """What runs, what can be gone back to, and what is offered now or on its way."""
    targets = context.store.list_needed_releases()
    with context.releases.open() as reading:
        targets |= set(_list_offered(context, reading))
        releases = [reading.get(target) for target in sorted(targets)]
    return list_references(releases, context.settings.registry)


def _list_offered(context: Context, reading: Reading) -> Iterator[str]:
    """The newest of each line that somebody follows, each version that somebody is pinned to, and
    the newest of the control plane itself."""
    for app, channel in {(app, channel) for app, channel, *_ in context.store.list_fleets()}:
        versions = reading.list(app, channel)
        pinned = context.store.list_pins(app, channel)
        for version in {*versions[-1:], *(pinned & set(versions))}:
            yield release_target(app, channel, version)
    for version in reading.list(OURSELVES)[-KEPT_OF_OURSELVES:]:
        yield release_target(OURSELVES, "stable", version)
