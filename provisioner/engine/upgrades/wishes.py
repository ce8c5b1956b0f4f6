"""What the operator decides for one community's upgrades: channel, version, a delay, time zone."""

from __future__ import annotations

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

from provisioner.core.channels import say_channel
from provisioner.engine.context import Context
from provisioner.errors import SaidBadly, TaarafoError
from provisioner.models.community import Community
from provisioner.models.release import CHANNELS, VERSION

LONGEST_DELAY = 90  # days
LONGEST_REASON = 200


def pin(context: Context, community: Community, version: str) -> Community:
    """Stay at this version or below; empty takes the pin away. A pin below the security floor holds
    nothing back. Raises SaidBadly."""
    wanted = version.strip()
    if wanted and not re.fullmatch(VERSION, wanted):
        raise SaidBadly(f"“{version}” is no version. Write one as 1.0.0.", "version")
    return _change(context, community, pinned_to=wanted)


def postpone(context: Context, community: Community, *, days: int, why: str) -> Community:
    """No upgrade for so many days, with a reason; 0 days ends a delay. Raises SaidBadly."""
    reason = " ".join(why.split())[:LONGEST_REASON]
    if not 0 <= days <= LONGEST_DELAY:
        raise SaidBadly(f"Choose a delay of 1 to {LONGEST_DELAY} days, or 0 to end one.", "days")
    if days and not reason:
        raise SaidBadly("Say why in a few words, for whoever wonders later.", "why")
    until = context.clock.now() + timedelta(days=days) if days else None
    return _change(context, community, postponed_until=until, postponed_why=reason if days else "")


def choose_zone(context: Context, community: Community, zone: str) -> Community:
    """By whose clock its quiet hours are; empty is UTC. Raises SaidBadly."""
    wanted = zone.strip()
    try:
        if wanted:
            ZoneInfo(wanted)
    except (LookupError, ValueError, OSError) as error:
        raise SaidBadly(
            f"“{zone}” is no time zone. Write one as America/Chicago.", "zone"
        ) from error
    return _change(context, community, zone=wanted)


def choose_channel(context: Context, community: Community, channel: str) -> Community:
    """Which line of releases it follows from now on. What runs stays until that line has something
    newer, or the very same. Raises SaidBadly."""
    wanted = channel.strip()
    if wanted not in CHANNELS:
        known = " or ".join(CHANNELS)
        raise SaidBadly(f"“{channel}” is no channel. Choose {known}.", "channel")
    return _change(context, community, channel=wanted)


def explain_channel(context: Context, community: Community) -> str:
    """What its channel has for it, in a sentence; empty when it runs nothing yet, or when releases
    cannot be read."""
    if not community.version:
        return ""
    try:
        versions = context.releases.list(community.app, community.channel)
    except TaarafoError:
        return ""
    return say_channel(community.channel, community.version, versions)


def _change(context: Context, community: Community, **values: object) -> Community:
    context.store.change_community(community.id, **values)
    return context.store.get_community(community.id)
