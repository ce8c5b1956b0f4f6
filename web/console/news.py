"""Her versions in plain words: what comes next, and what has just come."""

from __future__ import annotations

from datetime import timedelta

from provisioner.core.quiet_hours import find_next_quiet, is_quiet
from provisioner.core.telling import tell_after, tell_before, tell_held, tell_tried
from provisioner.core.versions import version_key, version_of
from provisioner.engine.context import Context
from provisioner.engine.upgrades.roll_out import explain_standing, read_pace
from provisioner.errors import TaarafoError
from provisioner.models.community import Community
from provisioner.models.operation import OperationKind, OperationState
from provisioner.models.rollout import RolloutRow

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
    if at is None or now - at > TOLD_FOR or version_of(community.before) == community.version:
        return ""
    release = context.releases.get(community.release)
    return tell_after(release, at, community.zone, now)


def _tell_next(context: Context, community: Community) -> str:
    """Of the newest release that is on its way to her, or that she was spared."""
    if not community.version:
        return ""
    for row in context.store.list_rollouts():
        if (row.app, row.channel) != (community.app, community.channel):
            continue
        if version_key(version_of(row.target)) <= version_key(community.version):
            continue
        if told := _tell_of(context, community, row):
            return told
    return ""


def _tell_of(context: Context, community: Community, row: RolloutRow) -> str:
    now, zone = context.clock.now(), community.zone
    attempt = context.store.find_attempts(row.target, [community.id]).get(community.id, "")
    standing = explain_standing(context, row, community, attempt)
    if standing == "failed" and attempt == OperationState.FAILED:
        tried = context.store.find_last_asked([community.id], OperationKind.UPGRADE)[community.id]
        return tell_tried(tried.finished_at or tried.created_at, zone, now)
    if standing != "waiting" or row.state in ("paused", "done"):
        return ""
    if row.state == "halted":
        return tell_held()
    quiet = read_pace(context).quiet_hours
    is_now = row.urgency == "security" or is_quiet(quiet, zone, now)
    begins = None if is_now else find_next_quiet(quiet, zone, now)
    return tell_before(context.releases.get(row.target), begins, zone, now)
