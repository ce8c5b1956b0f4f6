"""The last 90 days of a community: one cell a day, and the sentence that says the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from provisioner.core.appraisal.wording import count
from provisioner.models.history import DayOfVerdicts
from provisioner.models.verdict import PRECEDENCE, Outcome

DAYS_SHOWN: Final = 90
MOST_RUNS: Final = 4  # of days that are named; more of them are counted
NOTHING: Final = f"No check was recorded in the last {DAYS_SHOWN} days."


@dataclass(frozen=True)
class Cell:
    """One day (UTC). `seen` is None when no check was recorded on it."""

    day: date
    seen: DayOfVerdicts | None

    @property
    def outcome(self) -> Outcome | None:
        return Outcome(self.seen.outcome) if self.seen else None


def plan_strip(days: Iterable[DayOfVerdicts], today: date) -> tuple[Cell, ...]:
    """The `DAYS_SHOWN` days that end with `today`, oldest first."""
    seen = {each.day: each for each in days}
    first = today - timedelta(days=DAYS_SHOWN - 1)
    shown = (first + timedelta(days=number) for number in range(DAYS_SHOWN))
    return tuple(Cell(day, seen.get(day)) for day in shown)


def describe_strip(cells: Sequence[Cell]) -> str:
    """`GENUINE on 41 of 43 days; MODIFIED on 2 and 3 May.`"""
    by_outcome: dict[Outcome, list[date]] = {}
    for cell in cells:
        if cell.outcome:
            by_outcome.setdefault(cell.outcome, []).append(cell.day)
    checked = sum(map(len, by_outcome.values()))
    if not checked:
        return NOTHING
    genuine = len(by_outcome.pop(Outcome.GENUINE, ()))
    others = sorted(by_outcome.items(), key=lambda found: PRECEDENCE.index(found[0]))
    said = [f"{Outcome.GENUINE} on {genuine} of {count(checked, 'day')}"]
    return "; ".join(said + [f"{outcome} on {say_days(days)}" for outcome, days in others]) + "."


def say_days(days: Sequence[date]) -> str:
    """`2 and 3 May, 9 May`, or `23 days, the last of them 9 May`. Needs one day, in order."""
    runs = _find_runs(days)
    if len(runs) > MOST_RUNS:
        return f"{len(days)} days, the last of them {say_day(days[-1])}"
    return ", ".join(_say_run(first, last) for first, last in runs)


def _find_runs(days: Sequence[date]) -> list[tuple[date, date]]:
    """The first and last day of each unbroken row of days."""
    runs: list[tuple[date, date]] = []
    for day in days:
        if runs and day - runs[-1][1] == timedelta(days=1):
            runs[-1] = runs[-1][0], day
        else:
            runs.append((day, day))
    return runs


def _say_run(first: date, last: date) -> str:
    if first == last:
        return say_day(first)
    begins = str(first.day) if first.month == last.month else say_day(first)
    word = "and" if last - first == timedelta(days=1) else "to"
    return f"{begins} {word} {say_day(last)}"


def say_day(day: date) -> str:
    """`2 May`."""
    return f"{day.day} {day:%B}"
