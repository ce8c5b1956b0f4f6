"""What a decision about a rollout is made of, and what comes out of it.

Every moment has a time zone; a naive one raises TypeError where it is compared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from provisioner.core.quiet_hours import QuietHours
from provisioner.core.versions import version_of

Attempt = Literal["none", "running", "done", "failed"]
Urgency = Literal["routine", "security"]
State = Literal["active", "paused", "halted", "done"]

CANARY: Final = 0
LAST: Final = 2


@dataclass(frozen=True, slots=True)
class Member:
    """One community of the fleet, which is all of the release's app and channel, as it is now.

    `attempt` is what became of this very release here. `version` is what runs; while an attempt is
    running it may be either one. `is_reachable`: no other release has to come first, and nothing
    else is being done to it just now. `is_foreign`: what runs is a release of another channel, so
    the same version of this one is to come.
    """

    id: str
    host: str
    version: str
    zone: str = ""  # such as America/Chicago; what nobody knows counts as UTC
    pinned_to: str = ""  # the version to stay at; empty: none
    postponed_until: datetime | None = None
    attempt: Attempt = "none"
    is_reachable: bool = True
    is_foreign: bool = False


@dataclass(frozen=True)
class Pace:
    """How fast a release may spread, and how many failures stop it.

    Shares are parts of 1. A soak is how long a wave has to run before the next one begins: first
    that of the canaries, then that of the second wave.
    """

    canaries: int = 5
    canary_share: float = 0.2  # in a small fleet no more than this part of it, but always one
    second_share: float = 0.1  # with the canaries
    enough: float = 0.9  # part of the second wave that has to have ended before its soak begins
    # 20 hours after one night everything is ready for the next one
    soak: tuple[timedelta, timedelta] = (timedelta(hours=20), timedelta(hours=20))
    security_soak: tuple[timedelta, timedelta] = (timedelta(hours=1), timedelta(hours=1))
    failure_share: float = 0.05
    sample: int = 20  # one failure of two says little: the share is taken of at least so many
    at_once: int = 50
    at_once_per_host: int = 2
    quiet_hours: QuietHours = field(default_factory=QuietHours)
    longest_delay: timedelta = timedelta(days=3)  # how long a security release can be postponed

    def soak_after(self, wave: int, urgency: Urgency) -> timedelta:
        """How long this wave has to run before the next one; `wave` is not the last."""
        return (self.security_soak if urgency == "security" else self.soak)[wave]

    def size_up_to(self, wave: int, of: int) -> int:
        """How many of `of` communities are in this wave and those before it."""
        canaries = min(self.canaries, max(1, math.floor(self.canary_share * of)))
        sizes = (canaries, max(canaries, math.ceil(self.second_share * of)), of)
        return min(sizes[wave], of)

    def enough_of(self, wave: int, size: int) -> int:
        """How many of the `size` of a wave must have ended before it soaks: every canary."""
        return size if wave == CANARY else math.ceil(self.enough * size)


@dataclass(frozen=True)
class Rollout:
    """How far one release has come. All of it is written down with every decision.

    `urgency` is `security` also when only a release that it takes the place of was that.
    """

    target: str  # TUF target path of the release
    published_at: datetime
    urgency: Urgency = "routine"
    security_floor: str = "1.0.0"
    floor_raised_at: datetime | None = None  # None: with this release
    state: State = "active"
    wave: int = CANARY
    wave_started_at: datetime | None = None  # None: not begun
    soaking_since: datetime | None = None  # when enough of the wave had ended
    ended_before: int = 0  # attempts that ended before this wave, or before it was resumed
    forgiven: int = 0  # failures of earlier waves, and those the operator has looked at

    @property
    def version(self) -> str:
        return version_of(self.target)


@dataclass(frozen=True)
class Decision:
    """What to write down first, then whom to start, and why, in a sentence for the operator."""

    rollout: Rollout
    start: tuple[str, ...]
    reason: str
