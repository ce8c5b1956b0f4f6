"""Ask for another version of a community: judge it, then record it. Workers do the rest."""

from __future__ import annotations

from datetime import timedelta

from provisioner.core.channels import say_channel
from provisioner.core.swap import Swap, can_read_on, plan_rollback, plan_upgrade
from provisioner.core.upgrading import find_step, judge_step
from provisioner.core.versions import channel_of, version_key, version_of
from provisioner.engine.context import Context
from provisioner.errors import SaidBadly, UpgradeRefused
from provisioner.models.community import Community, CommunityState
from provisioner.models.operation import Operation, OperationKind
from provisioner.models.release import Release, release_target

WAIT = "Wait until that is over, then ask again."


def request_upgrade(
    context: Context, community: Community, *, to: str = "", requested_by: str
) -> Operation:
    """To the version `to`, or to the newest that can be reached from the one that runs.

    Raises UpgradeRefused, Conflict or ReleaseRejected; then nothing was recorded.
    """
    _refuse_unless_running(community)
    target = _find_target(context, community, to)
    swap = plan_upgrade(community, target)
    return _record(context, community, OperationKind.UPGRADE, swap, requested_by)


def request_repeat(context: Context, community: Community, *, requested_by: str) -> Operation:
    """The same version once more, in the other slot: everything that an upgrade does."""
    _refuse_unless_running(community)
    swap = plan_upgrade(community, community.release)
    return _record(context, community, OperationKind.UPGRADE, swap, requested_by)


def request_rollback(
    context: Context, community: Community, *, as_it_was: bool = False, requested_by: str
) -> Operation:
    """Back to the version before. `as_it_was` brings its data back, too: what was written since is
    put aside. Some versions cannot be gone back to without.

    Raises UpgradeRefused, SaidBadly, Conflict or ReleaseRejected; then nothing was recorded.
    """
    _refuse_unless_running(community)
    _refuse_after_window(context, community)
    with context.releases.open() as reading:
        running = reading.get(community.release)
        listing = reading.describe(community.before)
    if version_key(listing.version) < version_key(listing.security_floor):
        raise UpgradeRefused(
            reason=f"Version {listing.version} is not safe to run any more.",
            advice="Stay with this one, or wait for the next.",
        )
    if not as_it_was and not can_read_on(community, running):
        raise SaidBadly(
            f"Version {listing.version} cannot read what was written since the upgrade. Say that "
            "everything shall be as it was then, or stay with this version.",
            "as_it_was",
        )
    swap = plan_rollback(community, as_it_was=as_it_was)
    return _record(context, community, OperationKind.ROLLBACK, swap, requested_by)


def _find_target(context: Context, community: Community, to: str) -> str:
    with context.releases.open() as reading:
        versions = reading.list(community.app, community.channel)
        is_foreign = channel_of(community.release) != community.channel

        def get(version: str) -> Release:
            return reading.get(release_target(community.app, community.channel, version))

        if to:
            if to not in versions:
                raise UpgradeRefused(
                    reason=f"There is no version {to} of {community.app} in {community.channel}.",
                    advice="Look at the list of releases.",
                )
            wanted = get(to)
            if why := judge_step(community.version, wanted, is_foreign=is_foreign):
                raise UpgradeRefused(reason=why, advice="Choose another version.")
            return wanted.target
        found = find_step(community.version, versions, get, is_foreign=is_foreign)
    if found is None:
        raise UpgradeRefused(
            reason=f"{community.name} runs {community.version}. "
            + say_channel(community.channel, community.version, versions),
            advice="There is nothing to do.",
        )
    return found.target


def _refuse_unless_running(community: Community) -> None:
    if community.state != CommunityState.RUNNING:
        reason = f"{community.name} is {community.state}, so its version cannot change."
        raise UpgradeRefused(reason=reason, advice=WAIT)
    if community.reading_since:
        reason = f"{community.name} was exported to move, so its version stays as it is."
        advice = "Finish the move, or end it with `./taarafo community stay`."
        raise UpgradeRefused(reason=reason, advice=advice)


def _refuse_after_window(context: Context, community: Community) -> None:
    days = context.settings.rollback_days
    if not community.before or community.upgraded_at is None:
        raise UpgradeRefused(
            reason=f"{community.name} has never run another version.", advice="Stay with this one."
        )
    if context.clock.now() - community.upgraded_at > timedelta(days=days):
        raise UpgradeRefused(
            reason=f"Version {version_of(community.before)} was kept for {days} days only.",
            advice="Restore a backup, or stay with this version.",
        )


def _record(
    context: Context, community: Community, kind: OperationKind, swap: Swap, requested_by: str
) -> Operation:
    operation = context.store.request_swap(
        community.id,
        kind,
        swap.as_asked(),
        now=context.clock.now(),
        requested_by=requested_by,
    )
    context.waker.wake(operation.id)
    return operation
