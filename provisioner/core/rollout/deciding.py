"""The decision about a rollout: how far it is, and who is upgraded now. Taken again at any time,
also after a crash, it says the same as long as nothing has happened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from provisioner.core.rollout import reasons
from provisioner.core.rollout.choosing import choose, find_turn, keep_quiet
from provisioner.core.rollout.fleet import Fleet, look
from provisioner.core.rollout.values import CANARY, LAST, Decision, Member, Pace, Rollout


def decide(rollout: Rollout, members: Iterable[Member], pace: Pace, now: datetime) -> Decision:
    """Everything of `rollout` is to be written down before anybody of `start` is started.

    `members` are all communities of the release's app and channel, in any order. Who was started
    has to come back with another attempt than `none`.
    """
    fleet = look(rollout, members, pace, now)
    rollout = _judge(_count_again(rollout, fleet), fleet, pace)
    if rollout.state in ("paused", "halted"):
        return Decision(rollout, (), reasons.say_stopped(rollout, fleet))
    rollout = _move_on(rollout, fleet, pace, now)
    if rollout.state == "done":
        return Decision(rollout, (), reasons.say_done(fleet))
    turn = find_turn(rollout, fleet, pace)
    able = keep_quiet(rollout, turn, pace, now)
    start = choose(rollout, fleet, able, pace)
    if start:
        reason = reasons.say_started(fleet, turn, start)
    elif able:
        reason = reasons.say_full(fleet, able, pace)
    else:
        reason = reasons.say_waiting(rollout, fleet, turn, pace, now)
    return Decision(rollout, start, reason)


def end(
    rollout: Rollout, members: Iterable[Member], pace: Pace, now: datetime, *, is_overtaken: bool
) -> Decision:
    """Nobody can go to it any more: all have it, or there is something newer for them."""
    fleet = look(rollout, members, pace, now)
    reason = reasons.say_overtaken(fleet) if is_overtaken else reasons.say_done(fleet)
    return Decision(replace(rollout, state="done"), (), reason)


def pause(rollout: Rollout) -> Rollout:
    """Nobody is started any more; who runs comes to an end."""
    return replace(rollout, state="paused")


def resume(rollout: Rollout, members: Iterable[Member], pace: Pace, now: datetime) -> Rollout:
    """Go on after a pause or a halt: the failures so far are forgiven, and the wave soaks anew."""
    fleet = look(rollout, members, pace, now)
    return replace(
        rollout,
        state="active",
        soaking_since=None,
        ended_before=fleet.ended,
        forgiven=fleet.failed,
    )


def _count_again(rollout: Rollout, fleet: Fleet) -> Rollout:
    """Who is tried again has not failed: a failure is forgiven once, not in advance."""
    return replace(
        rollout,
        forgiven=min(rollout.forgiven, fleet.failed),
        ended_before=min(rollout.ended_before, fleet.ended),
    )


def _judge(rollout: Rollout, fleet: Fleet, pace: Pace) -> Rollout:
    """Halt for any canary, or when too large a share of the wave has failed.

    The share is taken of those that have ended, or of `pace.sample` as long as it is fewer; in a
    wave that is smaller than that, of the whole wave.
    """
    failed = fleet.failed - rollout.forgiven
    wave = pace.size_up_to(rollout.wave, fleet.size) - rollout.ended_before
    base = max(fleet.ended - rollout.ended_before, min(pace.sample, wave))
    most = 0 if rollout.wave == CANARY else pace.failure_share * base
    if rollout.state != "paused" and failed > most:
        return replace(rollout, state="halted")
    return rollout


def _move_on(rollout: Rollout, fleet: Fleet, pace: Pace, now: datetime) -> Rollout:
    """The next wave, or the end, once it is time for it."""
    if not (fleet.waiting or fleet.running or fleet.postponed):
        return replace(rollout, state="done")
    rollout = replace(rollout, state="active", wave_started_at=rollout.wave_started_at or now)
    if rollout.wave == LAST:
        return rollout
    size = pace.size_up_to(rollout.wave, fleet.size)
    if fleet.ended < max(1, pace.enough_of(rollout.wave, size)):
        return replace(rollout, soaking_since=None)
    since = rollout.soaking_since or now
    if size == fleet.size or now < since + pace.soak_after(rollout.wave, rollout.urgency):
        return replace(rollout, soaking_since=since)
    return replace(
        rollout,
        wave=_next_wave(rollout.wave, size, fleet, pace),
        wave_started_at=now,
        soaking_since=None,
        ended_before=fleet.ended,
        forgiven=fleet.failed,
    )


def _next_wave(wave: int, size: int, fleet: Fleet, pace: Pace) -> int:
    """The next that has anybody in it: in a small fleet the canaries are more than a tenth."""
    return next(
        later for later in range(wave + 1, LAST + 1) if pace.size_up_to(later, fleet.size) > size
    )
