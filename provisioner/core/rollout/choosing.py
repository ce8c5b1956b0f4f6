"""Whose turn it is in a wave, and who of them is started now."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from provisioner.core.quiet_hours import is_quiet
from provisioner.core.rollout.fleet import Fleet
from provisioner.core.rollout.values import LAST, Member, Pace, Rollout


def find_turn(rollout: Rollout, fleet: Fleet, pace: Pace) -> Sequence[Member]:
    """Who waits and is in the present wave or one before it, in any order.

    Who was attempted has a place in it already. The free places go by lot, which is drawn anew for
    every release: so nobody is the canary of each of them.
    """
    if rollout.wave == LAST:
        return fleet.waiting
    free = pace.size_up_to(rollout.wave, fleet.size) - fleet.attempted
    return heapq.nsmallest(free, fleet.waiting, key=lambda member: _lot(rollout, member))


def keep_quiet(
    rollout: Rollout, turn: Sequence[Member], pace: Pace, now: datetime
) -> Sequence[Member]:
    """Those of them who may be disturbed now: in their quiet hours, or by a security release."""
    if rollout.urgency == "security":
        return turn
    zones = {member.zone for member in turn}
    quiet = {zone for zone in zones if is_quiet(pace.quiet_hours, zone, now)}
    return [member for member in turn if member.zone in quiet]


def choose(rollout: Rollout, fleet: Fleet, able: Sequence[Member], pace: Pace) -> tuple[str, ...]:
    """Ids of as many as there is room for, in all and on each host; in the order of the lot."""
    room = pace.at_once - len(fleet.running)
    if room <= 0:
        return ()
    busy = Counter(member.host for member in fleet.running)
    chosen: list[str] = []
    for member in sorted(able, key=lambda member: _lot(rollout, member)):
        if len(chosen) == room:
            break
        if busy[member.host] < pace.at_once_per_host:
            busy[member.host] += 1
            chosen.append(member.id)
    return tuple(chosen)


def _lot(rollout: Rollout, member: Member) -> bytes:
    return hashlib.sha256(f"{rollout.target}\n{member.id}".encode()).digest()
