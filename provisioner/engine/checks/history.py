"""What is kept of every recorded check, and what is given up so that it never fills the disk.

A community that is checked every few minutes for years has at most `DAYS_SHOWN` rows of days and
`CHANGES_KEPT` rows of changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlmodel import Session, col, delete, select
from sqlmodel.sql.expression import SelectOfScalar

from provisioner.core.strip import DAYS_SHOWN
from provisioner.engine.context import Context
from provisioner.models.history import DayOfVerdicts, VerdictChange
from provisioner.models.verdict import Outcome, Verdict, is_nothing_there, worst_of

CHANGES_KEPT = 50


@dataclass(frozen=True)
class History:
    """Days are oldest first, changes newest first."""

    days: tuple[DayOfVerdicts, ...]
    changes: tuple[VerdictChange, ...]


def read_history(context: Context, community_id: str, *, changes: int = CHANGES_KEPT) -> History:
    """Two queries, each over an index, however long it has been checked."""
    days = select(DayOfVerdicts).where(DayOfVerdicts.community_id == community_id)
    with context.store.session(writes=False) as session:
        return History(
            tuple(session.exec(days.order_by(col(DayOfVerdicts.day))).all()),
            tuple(session.exec(_newest_changes(community_id).limit(changes)).all()),
        )


def record_in_history(session: Session, community_id: str, verdict: Verdict, now: datetime) -> None:
    """Within the caller's transaction, which holds the community's row.

    The history begins with the first report; before that the agent has not measured yet.
    """
    last = session.exec(_newest_changes(community_id).limit(1)).first()
    if last is None and is_nothing_there(verdict):
        return
    _record_day(session, community_id, verdict.outcome, now)
    if last is None or (last.outcome, last.release) != (verdict.outcome, verdict.release):
        session.add(_change_between(last, community_id, verdict, now))
        session.flush()
        _forget_changes(session, community_id)


def forget_history(session: Session, community_id: str) -> None:
    """Nothing is left of what was ever found there."""
    for rows in (DayOfVerdicts, VerdictChange):
        session.exec(delete(rows).where(col(rows.community_id) == community_id))


def _record_day(session: Session, community_id: str, outcome: Outcome, now: datetime) -> None:
    day = now.astimezone(UTC).date()
    found = session.get(DayOfVerdicts, (community_id, day))
    if found is None:
        _forget_days_before(session, community_id, day - timedelta(days=DAYS_SHOWN - 1))
        found = DayOfVerdicts(
            community_id=community_id,
            day=day,
            outcome=outcome,
            checks=0,
            genuine=0,
            first_at=now,
            last_at=now,
        )
    found.outcome = worst_of((Outcome(found.outcome), outcome))
    found.checks += 1
    found.genuine += outcome is Outcome.GENUINE
    found.first_at, found.last_at = min(found.first_at, now), max(found.last_at, now)
    session.add(found)


def _forget_days_before(session: Session, community_id: str, day: date) -> None:
    session.exec(
        delete(DayOfVerdicts).where(
            col(DayOfVerdicts.community_id) == community_id, col(DayOfVerdicts.day) < day
        )
    )


def _change_between(
    last: VerdictChange | None, community_id: str, verdict: Verdict, now: datetime
) -> VerdictChange:
    return VerdictChange(
        community_id=community_id,
        at=now,
        outcome=verdict.outcome,
        outcome_before=last.outcome if last else "",
        release=verdict.release,
        release_before=last.release if last else "",
    )


def _forget_changes(session: Session, community_id: str) -> None:
    """All but the newest `CHANGES_KEPT`."""
    first = session.exec(_newest_changes(community_id).offset(CHANGES_KEPT).limit(1)).first()
    if first:
        session.exec(
            delete(VerdictChange).where(
                col(VerdictChange.community_id) == community_id, col(VerdictChange.id) <= first.id
            )
        )


def _newest_changes(community_id: str) -> SelectOfScalar[VerdictChange]:
    newest = col(VerdictChange.id).desc()
    return select(VerdictChange).where(VerdictChange.community_id == community_id).order_by(newest)
