"""The history of a community's checks: one row a day, and one row a change."""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import Field, Index, SQLModel

from provisioner.models.moment import Moment


class DayOfVerdicts(SQLModel, table=True):
    """All recorded checks of one day (UTC): the worst outcome, how many, how many GENUINE."""

    __tablename__ = "day_of_verdicts"
    __table_args__ = {"sqlite_with_rowid": False}  # the key is the row: half the room

    community_id: str = Field(primary_key=True, foreign_key="community.id")
    day: date = Field(primary_key=True)
    outcome: str
    checks: int
    genuine: int
    first_at: datetime = Field(sa_type=Moment)
    last_at: datetime = Field(sa_type=Moment)


class VerdictChange(SQLModel, table=True):
    """A check that found another outcome or release than the one before it.

    `outcome_before` is empty for the first check. A release is a target path, empty when the
    check met none.
    """

    __tablename__ = "verdict_change"
    __table_args__ = (Index("ix_verdict_change_newest", "community_id", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    community_id: str = Field(foreign_key="community.id")
    at: datetime = Field(sa_type=Moment)
    outcome: str
    outcome_before: str = ""
    release: str = ""
    release_before: str = ""
