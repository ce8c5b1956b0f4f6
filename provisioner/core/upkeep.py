"""Which communities are to be backed up or drilled now. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

NIGHT_HOUR = 1  # UTC: whoever has no backup since the last of these hours is due
DRILL_AFTER = timedelta(days=7)
FIRST_DRILL_AFTER = timedelta(hours=1)  # after the first backup
AGAIN_AFTER = timedelta(hours=1)  # after a backup that failed
DRILL_AGAIN_AFTER = timedelta(days=1)  # after a drill that failed
AT_ONCE = 2  # so that whoever wants a community does not wait for those that are copied


@dataclass(frozen=True)
class Kept:
    """What is known of one running community. Times are None where there was none."""

    id: str
    ready_at: datetime
    backed_up_at: datetime | None = None
    tried_at: datetime | None = None  # the newest backup that was asked for, good or not
    try_failed: bool = False  # also when one of several shelves has its copy
    drilled_at: datetime | None = None
    drill_failed: bool = False


def choose_backups(kept: Iterable[Kept], now: datetime, running: int) -> list[str]:
    """Ids of those whose backup is due, the longest without one first; `running` go on already."""
    night = last_night(now)
    due = [
        each
        for each in kept
        if ((each.backed_up_at or each.ready_at) < night or each.try_failed)
        and (each.tried_at is None or now - each.tried_at >= AGAIN_AFTER)
    ]
    due.sort(key=lambda each: (each.backed_up_at or each.ready_at, each.id))
    return [each.id for each in due[: max(0, AT_ONCE - running)]]


def choose_drills(kept: Iterable[Kept], now: datetime, running: int) -> list[str]:
    """Ids of those whose drill is due, the longest without one first."""
    due = [(since, each.id) for each in kept if (since := _drill_due_at(each)) and since <= now]
    return [each for _, each in sorted(due)[: max(0, AT_ONCE - running)]]


def _drill_due_at(kept: Kept) -> datetime | None:
    if kept.backed_up_at is None:
        return None
    if kept.drilled_at is None:
        return kept.backed_up_at + FIRST_DRILL_AFTER
    return kept.drilled_at + (DRILL_AGAIN_AFTER if kept.drill_failed else DRILL_AFTER)


def last_night(now: datetime) -> datetime:
    """When the night began that is over, or is now."""
    night = now.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    return night if night <= now else night - timedelta(days=1)
