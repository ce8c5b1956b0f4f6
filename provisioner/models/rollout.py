"""How far one release has come in the fleet, as it was written down with the last decision."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import JSON, Column, Field, SQLModel

from provisioner.models.moment import Moment


class RolloutRow(SQLModel, table=True):
    """One row a release that communities were to come to. Its fields are those of
    `core.rollout.Rollout`; `reason` is the sentence of the last decision, `standings` how many
    stood where, and `sources` the versions from which this release is the next step."""

    __tablename__ = "rollout"

    target: str = Field(primary_key=True)  # TUF target path of the release
    app: str = Field(index=True)
    channel: str
    notes: str = ""
    urgency: str
    security_floor: str
    published_at: datetime = Field(sa_type=Moment)  # when it was first seen here
    floor_raised_at: datetime | None = Field(default=None, sa_type=Moment)
    state: str
    wave: int
    wave_started_at: datetime | None = Field(default=None, sa_type=Moment)
    soaking_since: datetime | None = Field(default=None, sa_type=Moment)
    ended_before: int = 0
    forgiven: int = 0
    reason: str = ""
    standings: dict[str, int] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    sources: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    decided_at: datetime | None = Field(default=None, sa_type=Moment)
