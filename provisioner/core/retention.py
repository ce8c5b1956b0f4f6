"""Which backups are kept, by rules over their moments. Pure.

Stdlib only: this is part of the keeper's image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Rules:
    """Keep the newest `last`, and the newest of each of the newest so many periods (UTC)."""

    last: int = 3
    days: int = 7
    weeks: int = 4
    months: int = 6

    def __post_init__(self) -> None:
        if self.last < 1:
            raise ValueError("the newest backup is always kept")
        if min(self.days, self.weeks, self.months) < 0:
            raise ValueError("a rule cannot be below zero")


Period = Callable[[datetime], tuple[int, ...]]


def _day(moment: datetime) -> tuple[int, ...]:
    return (moment.year, moment.month, moment.day)


def _week(moment: datetime) -> tuple[int, ...]:
    """ISO 8601 week: it begins on Monday, also across the turn of a year."""
    return tuple(moment.isocalendar())[:2]


def _month(moment: datetime) -> tuple[int, ...]:
    return (moment.year, moment.month)


def choose_kept(moments: Iterable[datetime], rules: Rules) -> frozenset[datetime]:
    """The moments whose backups stay. The newest is always among them."""
    newest_first = sorted(set(moments), reverse=True)
    kept = set(newest_first[: rules.last])
    for count, period in ((rules.days, _day), (rules.weeks, _week), (rules.months, _month)):
        kept |= _newest_of_each(newest_first, count, period)
    return frozenset(kept)


def choose_forgotten(moments: Iterable[datetime], rules: Rules) -> frozenset[datetime]:
    """All the others."""
    everything = frozenset(moments)
    return everything - choose_kept(everything, rules)


def _newest_of_each(newest_first: Sequence[datetime], count: int, period: Period) -> set[datetime]:
    chosen: dict[tuple[int, ...], datetime] = {}
    for moment in newest_first:
        chosen.setdefault(period(moment), moment)
    return set(list(chosen.values())[:count])
