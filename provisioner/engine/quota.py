"""How much of the disk a community may have, and what there is to say about room."""

from __future__ import annotations

from provisioner.core.quotas import (
    LARGEST,
    MB,
    NEAR,
    SMALLEST,
    quota_of,
    say_size,
    warn_of_disk,
    warn_of_quotas,
)
from provisioner.engine.context import Context
from provisioner.errors import SaidBadly
from provisioner.models.community import Community

USUAL = "default"
TOLD_EACH = 5  # communities that are named; the others are counted


def choose_quota(context: Context, community: Community, wanted: str) -> Community:
    """MB of data that it may have; 0 is no limit, and `default` what is usual here.

    It holds as soon as its app is told, which the worker does within two minutes. Raises SaidBadly.
    """
    context.store.change_quota(community.id, _read(wanted), context.settings.quota_mb)
    return context.store.get_community(community.id)


def say_quota(context: Context, community: Community) -> str:
    """What it may have, and plainly when it has more already."""
    quota = quota_of(community, context.settings.quota_mb)
    usual = ", as is usual here" if community.quota_mb is None else ""
    if not quota:
        return f"{community.address} may have as much as there is{usual}."
    said = f"{community.address} may have {say_size(quota * MB)} of data{usual}."
    used = community.data_bytes
    if used is not None and used > quota * MB:
        said += (
            f" It has {say_size(used)} already, so it takes no photos until so many were deleted "
            "that it has less. Words still fit, and nothing is removed."
        )
    return said


def list_warnings(context: Context) -> list[str]:
    """For the operator: disks and communities that are nearly full. As few queries, whatever there
    is."""
    store, settings = context.store, context.settings
    disks = [warn_of_disk(disk, settings.minimum_free_mb) for disk in store.list_disks()]
    fullest, count = store.list_fullest(NEAR, TOLD_EACH)
    return [each for each in disks if each] + warn_of_quotas(fullest, count, settings.quota_mb)


def _read(wanted: str) -> int | None:
    text = wanted.strip()
    if text == USUAL:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise SaidBadly(f"“{wanted}” is no number of MB. Write one as 500.", "quota")
    quota = int(text)
    if quota and not SMALLEST <= quota <= LARGEST:
        raise SaidBadly(
            f"Choose {SMALLEST} MB or more. 0 is no limit, “{USUAL}” is what is usual here.",
            "quota",
        )
    return quota
