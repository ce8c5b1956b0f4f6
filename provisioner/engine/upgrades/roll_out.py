"""Bring published releases to the fleet by itself: look, decide, write it down, ask."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace

from provisioner.core.rollout import Member, Pace, Rollout, Standing, decide, end, find_standing
from provisioner.core.rollout import pause as plan_pause
from provisioner.core.rollout import resume as plan_resume
from provisioner.core.rollout.values import Attempt, Decision
from provisioner.core.upgrading import find_step
from provisioner.core.versions import channel_of, version_key, version_of
from provisioner.engine.context import Context
from provisioner.engine.upgrades.upgrade import request_upgrade
from provisioner.errors import Conflict, ReleaseRejected, UpgradeRefused
from provisioner.models.community import Community
from provisioner.models.operation import OperationState
from provisioner.models.release import Release, release_target
from provisioner.models.rollout import RolloutRow
from provisioner.ports import Reading

BY = "rollout"
FIELDS = tuple(name for name in Rollout.__dataclass_fields__ if name != "target")
Plan = Callable[[Rollout, Sequence[Member]], Rollout]
Sources = dict[str, list[str]]  # target of a release -> what runs and goes there next, see below


def roll_out(context: Context) -> int:
    """One round over every fleet. Returns how many upgrades were asked for."""
    context.look_again()
    sources = _look_for_releases(context)
    rows = context.store.list_rollouts(is_open=True)
    return sum(_carry(context, row, sources.get(row.target, ())) for row in rows)


def pause_rollout(context: Context, target: str) -> RolloutRow:
    """Nobody is started any more; who runs comes to an end."""
    return _change(context, target, lambda rollout, _: plan_pause(rollout))


def resume_rollout(context: Context, target: str) -> RolloutRow:
    """Go on after a pause or a halt; the failures so far are forgiven."""
    now, pace = context.clock.now(), read_pace(context)
    return _change(
        context, target, lambda rollout, members: plan_resume(rollout, members, pace, now)
    )


def explain_standing(context: Context, row: RolloutRow, community: Community, attempt: str) -> str:
    """Where one community stands in it; a `core.rollout.Standing`."""
    member = _as_member(community, row.sources, attempt)
    return find_standing(member, as_rollout(row), read_pace(context), context.clock.now())


def read_pace(context: Context) -> Pace:
    most = context.settings.upgrades_at_once
    return Pace(at_once=most, at_once_per_host=most)  # all are on this host


def as_rollout(row: RolloutRow) -> Rollout:
    return Rollout(**{name: getattr(row, name) for name in ("target", *FIELDS)})


def list_members(context: Context, row: RolloutRow, sources: Sequence[str]) -> list[Member]:
    """All communities of its app and channel, as a decision sees them."""
    attempts = context.store.find_attempts(row.target)
    fleet = context.store.list_fleet(row.app, row.channel)
    return [_as_member(each, sources, attempts.get(each.id, "")) for each in fleet]


def _as_member(community: Community, sources: Sequence[str], attempt: str) -> Member:
    return Member(
        id=community.id,
        host="",  # that of the control plane
        version=community.version,
        zone=community.zone,
        pinned_to=community.pinned_to,
        postponed_until=community.postponed_until,
        attempt=_read_attempt(attempt),
        is_reachable=_source_of(community.version, community.release, community.channel) in sources,
        is_foreign=_is_foreign(community.release, community.channel),
    )


def _is_foreign(release: str, channel: str) -> bool:
    """Whether what runs is of another channel than the one that its community follows now."""
    return bool(release) and channel_of(release) != channel


def _source_of(version: str, release: str, channel: str) -> str:
    """`1.0.0`, or `early 1.0.0` for what comes from another channel than the community's own."""
    return f"{channel_of(release)} {version}" if _is_foreign(release, channel) else version


# -- within ----------------------------------------------------------------------------------------


def _look_for_releases(context: Context) -> Sources:
    """Which versions go where next; what is new gets a row, what was overtaken ends, and what was
    over begins again when somebody has come who can go there."""
    fleets: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for app, channel, version, release in context.store.list_fleets():
        fleets[app, channel].add((version, release))
    found: Sources = {}
    with context.releases.open() as reading:
        for (app, channel), running in fleets.items():
            oldest = min((version for version, _ in running), key=version_key)
            for target, sources in _find_sources(reading, app, channel, running).items():
                fresh = _begin(context, reading, target, oldest)
                context.store.add_rollout(fresh)
                _raise_floor(context, context.store.get_rollout(target), fresh)
                _begin_again(context, context.store.get_rollout(target), sources)
                found[target] = sources
    _end_others(context, found)
    return found


def _find_sources(
    reading: Reading, app: str, channel: str, running: Iterable[tuple[str, str]]
) -> Sources:
    published = reading.list(app, channel)

    def get(version: str) -> Release:
        return reading.get(release_target(app, channel, version))

    found: Sources = defaultdict(list)
    for version, target in sorted(running, key=lambda each: version_key(each[0])):
        is_foreign = _is_foreign(target, channel)
        if release := find_step(version, published, get, is_foreign=is_foreign):
            found[release.target].append(_source_of(version, target, channel))
    return found


def _begin(context: Context, reading: Reading, target: str, oldest: str) -> RolloutRow:
    """It is urgent when it says so itself, or when somebody runs what is not safe any more."""
    release, listing = reading.get(target), reading.describe(target)
    floor = max(listing.security_floor, "0.0.0", key=version_key)
    is_urgent = release.urgency == "security" or version_key(oldest) < version_key(floor)
    return RolloutRow(
        target=target,
        app=release.name,
        channel=release.channel,
        notes=release.recipe.notes,
        urgency="security" if is_urgent else "routine",
        security_floor=floor,
        published_at=context.clock.now(),
        state="active",
        wave=0,
        reason="Just seen.",
    )


def _raise_floor(context: Context, row: RolloutRow, fresh: RolloutRow) -> None:
    """A publisher may say later that older versions are not safe: then it is urgent from now on."""
    if version_key(fresh.security_floor) > version_key(row.security_floor):
        context.store.change_rollout(
            row,
            urgency=fresh.urgency,
            security_floor=fresh.security_floor,
            floor_raised_at=context.clock.now(),
        )


def _begin_again(context: Context, row: RolloutRow, sources: Sequence[str]) -> None:
    """With canaries: it may be that only a few had it."""
    if row.state != "done":
        return
    members = list_members(context, row, sources)
    if Standing.WAITING in _count_members(context, row, members):
        again = replace(as_rollout(row), state="active", wave=0, wave_started_at=None)
        context.store.change_rollout(row, **_as_values(again), reason="Somebody new can go there.")


def _end_others(context: Context, found: Sources) -> None:
    """What nobody goes to any more is over, unless somebody is still on the way to it."""
    now = context.clock.now()
    for row in context.store.list_rollouts(is_open=True):
        if row.target in found:
            continue
        members = list_members(context, row, ())
        if any(member.attempt == "running" for member in members):
            continue
        newer = any(_is_newer(target, row) for target in found)
        rollout, pace = as_rollout(row), read_pace(context)
        decision = end(rollout, members, pace, now, is_overtaken=newer)
        _write_down(context, row, (), members, decision)


def _is_newer(target: str, row: RolloutRow) -> bool:
    """Whether it is a later release of the same app and channel."""
    if target.split("/")[1:3] != [row.app, row.channel]:
        return False
    return version_key(version_of(target)) > version_key(version_of(row.target))


def _carry(context: Context, row: RolloutRow, sources: Sequence[str]) -> int:
    members = list_members(context, row, sources)
    decision = decide(as_rollout(row), members, read_pace(context), context.clock.now())
    if not _write_down(context, row, sources, members, decision):
        return 0  # somebody has paused it meanwhile
    return sum(_ask(context, each, decision.rollout.version) for each in decision.start)


def _write_down(
    context: Context,
    row: RolloutRow,
    sources: Sequence[str],
    members: Sequence[Member],
    decision: Decision,
) -> bool:
    standings = _count_members(context, row, members)
    if not sources:  # nobody waits for it any more
        standings.pop(Standing.UNREACHABLE, None)
    return context.store.change_rollout(
        row,
        **_as_values(decision.rollout),
        standings=standings,
        sources=list(sources),
        reason=decision.reason,
        decided_at=context.clock.now(),
    )


def _count_members(context: Context, row: RolloutRow, members: Sequence[Member]) -> dict[str, int]:
    rollout, pace, now = as_rollout(row), read_pace(context), context.clock.now()
    found = Counter(find_standing(member, rollout, pace, now) for member in members)
    return {str(each): found[each] for each in Standing if found[each]}


def _ask(context: Context, community_id: str, version: str) -> bool:
    """Whoever is busy with something else is asked again in the next round."""
    with suppress(Conflict, ReleaseRejected):
        community = context.store.get_community(community_id)
        request_upgrade(context, community, to=version, requested_by=BY)
        return True
    return False


def _change(context: Context, target: str, plan: Plan) -> RolloutRow:
    row = context.store.get_rollout(target)
    if row.state == "done":
        raise UpgradeRefused(
            reason="This rollout is over.", advice="There is nothing to stop or to go on with."
        )
    members = list_members(context, row, row.sources)
    values = _as_values(plan(as_rollout(row), members))
    if not context.store.change_rollout(row, **values, decided_at=context.clock.now()):
        raise Conflict("a decision was just made", name=f"the rollout of {row.target}")
    return context.store.get_rollout(target)


def _as_values(rollout: Rollout) -> dict[str, object]:
    values = asdict(rollout)
    return {name: values[name] for name in FIELDS}


def _read_attempt(state: str) -> Attempt:
    if not state:
        return "none"
    if state == OperationState.DONE:
        return "done"
    return "failed" if state == OperationState.FAILED else "running"
