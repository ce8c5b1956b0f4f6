"""A Bundle: one file with all of a community, made to be brought to another control plane."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import JSON, Column, Field, Index, SQLModel

from provisioner.models.community import new_id
from provisioner.models.moment import Moment


class Bundle(SQLModel, table=True):
    """Recorded only after it was read back and its counts matched. `rows` is by `file/table`."""

    __tablename__ = "bundle"
    __table_args__ = (Index("ix_bundle_newest", "community_id", "made_at"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    community_id: str = Field(foreign_key="community.id")
    operation_id: str = Field(unique=True, foreign_key="operation.id")
    letter: str = Field(index=True)  # SHA-256 of the signed letter in it: which bundle it is
    sha256: str  # of the whole file
    file: str  # where it was written, on the host of the community
    snapshot: str  # restic's id, 64 hex digits
    release: str  # TUF target path of what ran
    files: int
    bytes: int = Field(sa_type=BigInteger)
    rows: dict[str, int] = Field(sa_column=Column(JSON, nullable=False))
    made_at: datetime = Field(sa_type=Moment)

    @property
    def row_count(self) -> int:
        return sum(self.rows.values())
