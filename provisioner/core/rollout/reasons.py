"""What the operator reads of a decision: one or two plain sentences. Moments are in UTC."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from provisioner.core.quiet_hours import find_next_quiet
from provisioner.core.rollout.fleet import Fleet
from provisioner.core.rollout.standing import postponed_until
from provisioner.core.rollout.values import CANARY, Member, Pace, Rollout


def say_stopped(rollout: Rollout, fleet: Fleet) -> str:
    """Of one that is paused or halted."""
    still = f" {_are(len(fleet.running))} still being upgraded." if fleet.running else ""
    failed = fleet.failed - rollout.forgiven
    if rollout.state == "paused":
        unseen = f" {failed:,} failed; resuming forgives that." if failed else ""
        return f"Paused: nobody is started.{still}{unseen}"
    ended = max(failed, fleet.ended - rollout.ended_before)
    wave = "the first " if rollout.wave == CANARY else ""
    whom = f"{failed:,} of {wave}{ended:,}" if ended > 1 else f"{wave or 'the only '}one"
    return (
        f"Halted: {whom} failed, and nobody is started.{still} "
        "Find out why, then resume, or keep it halted until there is a better release."
    )


def say_done(fleet: Fleet) -> str:
    """Of one in which nobody is left who can be upgraded."""
    has = fleet.done + fleet.there
    left = [f"{fleet.failed:,} failed"] if fleet.failed else []
    left += [f"{_are(fleet.pinned)} pinned"] if fleet.pinned else []
    left += [f"{_need(fleet.unreachable)} another release first"] if fleet.unreachable else []
    return " ".join(f"{part}." for part in (f"Done: {has:,} {_has(has)} this release", *left))


def say_overtaken(fleet: Fleet) -> str:
    """Of one that ends because there is something newer for everybody who could go to it."""
    failed = f" {fleet.failed:,} failed." if fleet.failed else ""
    return f"Over: a newer release has taken its place.{failed}"


def say_started(fleet: Fleet, turn: Sequence[Member], start: Sequence[str]) -> str:
    """Of a decision to upgrade some."""
    left = len(turn) - len(start)
    others = f" {left:,} of this wave {_wait(left)}." if left else ""
    already = f" {_are(len(fleet.running))} being upgraded already." if fleet.running else ""
    return f"Starting {len(start):,}.{already}{others}"


def say_full(fleet: Fleet, able: Sequence[Member], pace: Pace) -> str:
    """Of one that starts nobody for want of room."""
    running, waiting = len(fleet.running), len(able)
    if running >= pace.at_once:
        most = "as many as may be at once"
    else:
        most = f"{pace.at_once_per_host:,} on every host of those that wait"
    return f"{_are(running)} being upgraded, {most}; {waiting:,} {_wait(waiting)}."


def say_waiting(
    rollout: Rollout, fleet: Fleet, turn: Sequence[Member], pace: Pace, now: datetime
) -> str:
    """Of one that starts nobody, although there would be room."""
    if rollout.soaking_since and pace.size_up_to(rollout.wave, fleet.size) < fleet.size:
        soak = pace.soak_after(rollout.wave, rollout.urgency)
        until = _moment(rollout.soaking_since + soak, now)
        count = fleet.ended
        have = "have" if count > 1 else "has"
        first = f"the first {count:,}" if count > 1 else "the first one"
        return f"Waiting until {until}: {first} {have} to run for {_span(soak)}."
    if turn:
        zones = {member.zone for member in turn}
        next_quiet = min(find_next_quiet(pace.quiet_hours, zone, now) for zone in zones)
        whom = f"the {len(turn):,} that wait" if len(turn) > 1 else "the one that waits"
        return f"Waiting until {_moment(next_quiet, now)}: then it is night for {whom}."
    if fleet.running:
        return f"{_are(len(fleet.running))} being upgraded; nobody else's turn has come."
    if not fleet.postponed:
        return "This wave has all that it needs, from before; its turn to run begins."
    first_of_them = min(postponed_until(member, rollout, pace) for member in fleet.postponed)
    count = len(fleet.postponed)
    return f"Waiting until {_moment(first_of_them, now)}: {count:,} {_has(count)} postponed it."


def _moment(moment: datetime, now: datetime) -> str:
    """`14:05 UTC` today, `3 December 14:05 UTC` on any other day; the minute is rounded up."""
    moment = moment.astimezone(UTC) + timedelta(seconds=59)
    day = "" if moment.date() == now.astimezone(UTC).date() else f"{moment.day} {moment:%B} "
    return f"{day}{moment:%H:%M} UTC"


def _span(span: timedelta) -> str:
    """`an hour`, `20 hours`, `90 minutes`."""
    minutes = round(span.total_seconds() / 60)
    if minutes % 60:
        return f"{minutes:,} minutes" if minutes > 1 else "a minute"
    return f"{minutes // 60:,} hours" if minutes > 60 else "an hour" if minutes else "no time"


def _are(count: int) -> str:
    return f"{count:,} {'is' if count == 1 else 'are'}"


def _has(count: int) -> str:
    return "has" if count == 1 else "have"


def _need(count: int) -> str:
    return f"{count:,} {'needs' if count == 1 else 'need'}"


def _wait(count: int) -> str:
    return "waits" if count == 1 else "wait"
