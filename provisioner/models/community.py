"""A Community: one deployed social network with an address, an owner and promises."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, field_validator
from sqlalchemy import BigInteger
from sqlmodel import JSON, Column, Field, Index, SQLModel

from provisioner.models.moment import Moment
from provisioner.models.promise import Preset, Promises


def new_id() -> str:
    """32 hex digits, unguessable enough to be an id and never used as a secret."""
    return uuid4().hex


class CommunityState(StrEnum):
    CREATING = "creating"
    RUNNING = "running"
    MOVED = "moved"  # it lives elsewhere; its address here leads there
    REMOVING = "removing"
    REMOVED = "removed"
    FAILED = "failed"  # its creation was undone; kept for the founder to read


GONE = (CommunityState.REMOVED, CommunityState.FAILED)


class CommunityRequest(BaseModel):
    """What a founder asks for. Validated here because table rows are not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    label: str  # first label of the address, already judged by core.names
    preset: Preset
    promises: Promises
    founder: str
    email: str = ""
    app: str = "taarafo"
    channel: str = "stable"

    @field_validator("name", "founder")
    @classmethod
    def _said(cls, value: str) -> str:
        value = " ".join(value.split())
        if not 1 <= len(value) <= 80:
            raise ValueError("must have 1 to 80 letters")
        return value


class Community(SQLModel, table=True):
    """One row a community; `reserved` keeps its address and all look-alikes."""

    __tablename__ = "community"
    # the list, the list of one state, the totals: each is read in one pass over an index
    __table_args__ = (
        Index("ix_community_newest", "created_at", "id"),
        Index("ix_community_state_newest", "state", "created_at", "id"),
        Index("ix_community_totals", "state", "verdict", "memory_mb"),
        Index("ix_community_fill", "state", "fill_percent"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    label: str = Field(index=True)
    reserved: str | None = Field(default=None, unique=True)  # skeleton; None once it is free
    address: str = Field(index=True)
    name: str = Field(index=True)
    founder: str
    email: str = ""
    preset: str
    promises: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))
    app: str
    channel: str
    release: str = ""  # TUF target path once pinned
    version: str = ""
    slot: str = "a"  # which of its two doors is open: a or b; "" for one made without slots
    runs_as: str = ""  # last part of its service's name: empty, or "twin"
    before: str = ""  # TUF target path of the release that ran before the last upgrade
    snapshot: str = ""  # id of the Operation that kept the data of that release
    upgraded_at: datetime | None = Field(default=None, sa_type=Moment)
    zone: str = ""  # of its people's clocks, such as America/Chicago; empty: UTC
    pinned_to: str = ""  # the version to stay at
    postponed_until: datetime | None = Field(default=None, sa_type=Moment)
    postponed_why: str = ""
    state: str = CommunityState.CREATING
    reading_since: datetime | None = Field(default=None, sa_type=Moment)  # nobody writes since
    moved_to: str = ""  # such as https://smith.example.org
    kept_until: datetime | None = Field(default=None, sa_type=Moment)  # its data, once it moved
    sealed_secrets: bytes = b""  # encrypted JSON: sign-in and invitation tokens, app secrets
    console_sha256: str = Field(default="", index=True)
    verdict: str = ""  # outcome of the last check
    verdict_detail: dict[str, object] = Field(default_factory=dict, sa_column=Column(JSON))
    checked_at: datetime | None = Field(default=None, sa_type=Moment)
    memory_mb: int | None = None
    quota_mb: int | None = None  # of data that it may have; None: what is usual here; 0: no limit
    told_quota_mb: int | None = None  # what its app was told last; None: nothing yet
    data_bytes: int | None = Field(default=None, sa_type=BigInteger)
    kept_bytes: int | None = Field(default=None, sa_type=BigInteger)
    backup_bytes: int | None = Field(default=None, sa_type=BigInteger)
    fill_percent: int | None = None  # of its quota; None: no limit, or not weighed yet
    weighed_at: datetime | None = Field(default=None, sa_type=Moment)
    created_at: datetime = Field(sa_type=Moment)
    ready_at: datetime | None = Field(default=None, sa_type=Moment)

    @property
    def promised(self) -> Promises:
        return Promises.model_validate(self.promises)
