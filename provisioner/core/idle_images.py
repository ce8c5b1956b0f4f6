"""Which images an engine need not keep. Pure.

What goes can be fetched again from the registry by its digest; so only room is at stake, and the
registry's own image, which nobody could fetch without itself, always stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from provisioner.models.release import Release
from provisioner.models.service import LocalImage

IDLE_FOR = timedelta(days=3)  # before it goes
KEPT_OF_OURSELVES = 2  # the newest releases of the control plane: what runs, and the one before


@dataclass(frozen=True)
class Clearing:
    """`removed` go now; `idle` are all others that nothing needs, each with since when."""

    removed: tuple[str, ...]
    idle: dict[str, datetime]


def list_references(releases: Iterable[Release], registry: str) -> frozenset[str]:
    """Of every image of these releases."""
    return frozenset(
        release.image_reference(registry, name) for release in releases for name in release.images
    )


def plan_clearing(
    images: Sequence[LocalImage],
    needed: Collection[str],
    since: Mapping[str, datetime],
    *,
    registry: str,
    registry_image: str,
    now: datetime,
) -> Clearing:
    """Of the images that came from our `registry`, by digest. `since` is what was idle before."""
    kept_repository = registry_image.partition("@")[0]
    idle = {
        reference: since.get(reference, now)
        for image in images
        if not image.is_used and not set(image.references) & set(needed)
        for reference in image.references
        if reference.startswith(f"{registry}/")
        and "@sha256:" in reference
        and reference.partition("@")[0] != kept_repository
    }
    removed = tuple(sorted(each for each, at in idle.items() if now - at >= IDLE_FOR))
    return Clearing(removed, {each: at for each, at in idle.items() if each not in removed})
