"""A Backup that counts, and a Drill: one restore into a throw-away copy, timed and compared."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import JSON, Column, Field, Index, SQLModel

from provisioner.models.community import new_id
from provisioner.models.moment import Moment


class Backup(SQLModel, table=True):
    """Recorded only after it was read back and its counts matched. `rows` is by `file/table`."""

    __tablename__ = "backup"
    __table_args__ = (
        UniqueConstraint("operation_id", "shelf"),
        Index("ix_backup_newest", "community_id", "made_at"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    community_id: str = Field(foreign_key="community.id")
    operation_id: str = Field(foreign_key="operation.id")
    shelf: str  # where it is: local or s3
    snapshot: str  # restic's id of it, 64 hex digits
    release: str  # TUF target path of what ran
    files: int
    bytes: int = Field(sa_type=BigInteger)
    rows: dict[str, int] = Field(sa_column=Column(JSON, nullable=False))
    read: str  # which part of the repository was read back, as n/t
    seconds: float
    made_at: datetime = Field(sa_type=Moment)
    forgotten_at: datetime | None = Field(default=None, sa_type=Moment)

    @property
    def row_count(self) -> int:
        return sum(self.rows.values())


class Drill(SQLModel, table=True):
    """`flaw` says why it failed; empty when all that came back was as it had been counted."""

    __tablename__ = "drill"
    __table_args__ = (Index("ix_drill_newest", "community_id", "made_at"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    community_id: str = Field(foreign_key="community.id")
    operation_id: str = Field(unique=True, foreign_key="operation.id")
    backup_id: str | None = Field(default=None, foreign_key="backup.id")
    flaw: str = ""
    rows: int = 0  # that matched
    seconds: float = 0.0  # from the first file to the last row counted
    restore_seconds: float = 0.0  # restic alone
    made_at: datetime = Field(sa_type=Moment)
