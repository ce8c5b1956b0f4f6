"""Her versions in plain words: what comes next, and what has just come."""

from __future__ import annotations

from datetime import timedelta

from provisioner.core.quiet_hours import find_next_quiet, is_quiet
from provisioner.core.telling import tell_after, tell_before
from provisioner.engine.context import Context
from provisioner.engine.roll_out import explain_standing, read_pace
from provisioner.errors import TaarafoError
from provisioner.models.community import Community

TOLD_FOR = timedelta(days=14)


def tell_versions(context: Context, community: Community) -> list[str]:
    """At most two sentences; none when there is nothing to tell, or releases cannot be read."""
    try:
        return [
            each
            for each in (_tell_after(context, community), _tell_next(context, community))
            if each
        ]
    except TaarafoError:
        return []


def _tell_after(context: Context, community: Community) -> str:
    now, at = context.clock.now(), community.upgraded_at
    if at is None or now - at > TOLD_FOR:
        return ""
    release = context.releases.get(community.release)
    return tell_after(release, at, community.zone, now)


def _tell_next(context: Context, community: Community) -> str:
    """Of the newest rollout that is on its way to her."""
    now, store = context.clock.now(), context.store
    for row in store.list_rollouts(is_open=True):
        if (row.app, row.channel) != (community.app, community.channel) or row.state != "active":
            continue
        attempt = store.find_attempts(row.target, [community.id]).get(community.id, "")
        if explain_standing(context, row, community, attempt) == "waiting":
            release, quiet = context.releases.get(row.target), read_pace(context).quiet_hours
            is_now = row.urgency == "security" or is_quiet(quiet, community.zone, now)
            begins = None if is_now else find_next_quiet(quiet, community.zone, now)
            return tell_before(release, begins, community.zone, now)
    return ""
