"""Where one community stands in a rollout: whether this release is still to come to it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from provisioner.core.rollout.values import Member, Pace, Rollout
from provisioner.core.versions import version_key


class Standing(StrEnum):
    """Only WAITING, RUNNING, DONE and FAILED are part of a wave."""

    WAITING = "waiting"  # may be started, when it is its turn and quiet
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"  # also when it was done, and its founder went back
    THERE = "there"  # has it, or something newer, without this rollout
    PINNED = "pinned"
    POSTPONED = "postponed"
    UNREACHABLE = "unreachable"  # another release has to come first


def find_standing(member: Member, rollout: Rollout, pace: Pace, now: datetime) -> Standing:
    """An attempt counts for good, whatever was pinned or postponed after it."""
    is_older = _key(member.version) < _key(rollout.version)
    is_older |= member.is_foreign and member.version == rollout.version
    if member.attempt == "done":
        return Standing.FAILED if is_older else Standing.DONE
    if member.attempt != "none":
        return Standing(member.attempt)
    if not is_older:
        return Standing.THERE
    if _is_pinned(member, rollout):
        return Standing.PINNED
    if member.postponed_until and now < postponed_until(member, rollout, pace):
        return Standing.POSTPONED
    return Standing.WAITING if member.is_reachable else Standing.UNREACHABLE


def postponed_until(member: Member, rollout: Rollout, pace: Pace) -> datetime:
    """When it can be upgraded. Whoever is in danger cannot put it off for longer than
    `pace.longest_delay`; raises ValueError for one who postponed nothing."""
    if member.postponed_until is None:
        raise ValueError("nothing was postponed")
    since = []
    if rollout.urgency == "security":
        since.append(rollout.published_at)
    if _key(member.version) < _key(rollout.security_floor):
        since.append(rollout.floor_raised_at or rollout.published_at)
    return min([member.postponed_until, *(moment + pace.longest_delay for moment in since)])


def _is_pinned(member: Member, rollout: Rollout) -> bool:
    """A pin to this release or a later one lets it come; one below the security floor is void."""
    pin = member.pinned_to
    return bool(pin) and _key(rollout.security_floor) <= _key(pin) < _key(rollout.version)


_key = lru_cache(maxsize=1024)(version_key)  # a fleet of thousands runs few versions
