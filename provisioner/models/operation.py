"""An Operation and its Steps: one requested change, and the recorded effects it is made of."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import UniqueConstraint
from sqlmodel import JSON, Column, Field, SQLModel

from provisioner.models.community import new_id
from provisioner.models.moment import Moment


class OperationKind(StrEnum):
    CREATE = "create"
    UPGRADE = "upgrade"
    ROLLBACK = "rollback"
    BACK_UP = "back-up"
    DRILL = "drill"
    RESTORE = "restore"
    EXPORT = "export"
    STAY = "stay"
    MOVE = "move"
    ERASE = "erase"
    FORGET = "forget"
    REMOVE = "remove"


class OperationState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"  # a part does not answer; it goes on by itself
    UNDOING = "undoing"
    DONE = "done"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        return self in (OperationState.DONE, OperationState.FAILED)


class StepState(StrEnum):
    PENDING = "pending"
    STARTED = "started"
    DONE = "done"
    UNDONE = "undone"
    FAILED = "failed"


class Operation(SQLModel, table=True):
    """`active_for` is the community's id while it is open: unique, so only one at a time."""

    __tablename__ = "operation"

    id: str = Field(default_factory=new_id, primary_key=True)
    kind: str
    community_id: str = Field(index=True, foreign_key="community.id")
    active_for: str | None = Field(default=None, unique=True)
    state: str = Field(default=OperationState.QUEUED, index=True)
    message: str = ""  # a sentence for people: what it waits for, or why it failed
    error_code: str = ""
    leased_by: str = ""
    leased_until: datetime | None = Field(default=None, index=True, sa_type=Moment)
    attempts: int = 0
    target: str = Field(default="", index=True)  # the release that shall run afterwards
    asked: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    requested_by: str = ""  # wizard, operator, cli, api
    idempotency_key: str | None = Field(default=None, unique=True)
    created_at: datetime = Field(index=True, sa_type=Moment)
    finished_at: datetime | None = Field(default=None, sa_type=Moment)


class Step(SQLModel, table=True):
    """One idempotent effect, recorded before and after it runs."""

    __tablename__ = "step"
    __table_args__ = (UniqueConstraint("operation_id", "position"),)

    id: int | None = Field(default=None, primary_key=True)
    operation_id: str = Field(index=True, foreign_key="operation.id")
    position: int
    name: str
    state: str = StepState.PENDING
    facts: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON))
    started_at: datetime | None = Field(default=None, sa_type=Moment)
    finished_at: datetime | None = Field(default=None, sa_type=Moment)


class LogLine(SQLModel, table=True):
    """One line of an operation's log, for the operator. Never holds a secret."""

    __tablename__ = "log_line"

    id: int | None = Field(default=None, primary_key=True)
    operation_id: str = Field(index=True, foreign_key="operation.id")
    step: str = ""
    at: datetime = Field(sa_type=Moment)
    text: str
