"""Quiet hours: when the people of a community sleep, told by the clock of its own time zone. Pure.

Zones are names of the IANA time zone database, which `zoneinfo` reads from the system and keeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class QuietHours:
    """From `begins` up to `ends`, both of the clock on the wall; over midnight where `ends` is the
    earlier one. With both the same it is always quiet."""

    begins: time = time(2)
    ends: time = time(5)


def find_zone(name: str) -> tzinfo:
    """The zone of that name; UTC for one that nobody knows, so that no community waits for ever."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # also for names of folders and of other files
        return UTC


def is_quiet(hours: QuietHours, zone: str, now: datetime) -> bool:
    """Whether it is quiet there at `now`, which has a time zone of its own."""
    clock = now.astimezone(find_zone(zone)).time()
    if hours.begins < hours.ends:
        return hours.begins <= clock < hours.ends
    return clock >= hours.begins or clock < hours.ends


def find_next_quiet(hours: QuietHours, zone: str, now: datetime) -> datetime:
    """When the next quiet hours begin after `now`, in UTC; those that have begun do not count.

    On the night when clocks go forward over the beginning, they begin as soon as clocks go on.
    """
    place = find_zone(zone)
    today = now.astimezone(place).date()
    nights = (
        datetime.combine(today + timedelta(days=day), hours.begins, place).astimezone(UTC)
        for day in range(3)
    )
    return next(night for night in nights if night > now)
