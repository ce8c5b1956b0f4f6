"""What was found before, as pages show it: a strip of 90 days and the last changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from provisioner.core.appraisal.wording import count
from provisioner.core.strip import Cell, describe_strip, plan_strip, say_day
from provisioner.core.versions import version_of
from provisioner.engine.checks.history import CHANGES_KEPT, read_history
from provisioner.engine.context import Context
from provisioner.models.community import Community
from provisioner.models.history import VerdictChange
from provisioner.models.verdict import Outcome
from web.check.words import HEADLINES, SQUARES, Square


@dataclass(frozen=True)
class Day:
    """One square, and the words of who points at it."""

    square: Square
    title: str
    was_checked: bool


@dataclass(frozen=True)
class Change:
    """What became different, in one line and in whole sentences."""

    id: int | None
    at: datetime
    title: str
    sentence: str


@dataclass(frozen=True)
class Past:
    """`said` tells in one sentence what the days show, which begin `since`.

    Changes are newest first.
    """

    days: tuple[Day, ...]
    since: str
    said: str
    changes: tuple[Change, ...]


def show_past(context: Context, community: Community, *, changes: int = CHANGES_KEPT) -> Past:
    """Two queries."""
    history = read_history(context, community.id, changes=changes)
    cells = plan_strip(history.days, context.clock.now().astimezone(UTC).date())
    return Past(
        days=tuple(Day(SQUARES[c.outcome], _say_cell(c), c.seen is not None) for c in cells),
        since=say_day(cells[0].day),
        said=describe_strip(cells),
        changes=tuple(map(show_change, history.changes)),
    )


def show_change(change: VerdictChange) -> Change:
    return Change(change.id, change.at, _name_change(change), _say_change(change))


def _say_cell(cell: Cell) -> str:
    day = f"{say_day(cell.day)} {cell.day.year}"
    if cell.seen is None:
        return f"{day}: no check."
    times = f"{cell.seen.first_at:%H:%M} to {cell.seen.last_at:%H:%M} UTC"
    fitting = f"{cell.seen.genuine} of {count(cell.seen.checks, 'check')}"
    return f"{day}: {cell.outcome}. {fitting} said {Outcome.GENUINE}, {times}."


def _name_change(change: VerdictChange) -> str:
    if not change.outcome_before:
        return f"First check: {change.outcome}"
    if change.outcome != change.outcome_before:
        return f"From {change.outcome_before} to {change.outcome}"
    return f"Another release, still {change.outcome}"


def _say_change(change: VerdictChange) -> str:
    """A release is named only when the check met a signed one."""
    headline = HEADLINES[Outcome(change.outcome)]
    now, before = version_of(change.release), version_of(change.release_before)
    if not now:
        return headline
    was = f" Before, it was {before}." if before and before != now else ""
    return f"{headline} It reports release {now}.{was}"
