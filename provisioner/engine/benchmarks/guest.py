"""A community that a benchmark makes for itself, and removes."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from provisioner.engine.at_once import create_now, remove_now
from provisioner.engine.context import Context
from provisioner.models.community import Community


@contextmanager
def guest(context: Context, *, preset: str = "family") -> Iterator[Community]:
    """It is open within the block."""
    made = create_now(
        context,
        on_progress=lambda _: None,
        preset=preset,
        name=f"Bench {secrets.token_hex(4)}",
        founder="Ann",
    )
    community = context.store.get_community(made["id"])
    try:
        yield community
    finally:
        remove_guest(context, community)


def remove_guest(context: Context, community: Community) -> None:
    """Nothing of it has to be kept."""
    remove_now(
        context,
        community,
        typed=community.label,
        even_without_backup=True,
        on_progress=lambda _: None,
    )
