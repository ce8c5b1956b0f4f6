"""The operator's account and the API tokens she made."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from provisioner.models.moment import Moment


class Operator(SQLModel, table=True):
    """One row. Until a password is set, only the one-time link opens the dashboard."""

    __tablename__ = "operator"

    id: int | None = Field(default=None, primary_key=True)
    link_sha256: str = ""
    link_expires_at: datetime | None = Field(default=None, sa_type=Moment)
    password_hash: str = ""
    session_epoch: int = 0  # raised when the password changes: older sessions end


class ApiToken(SQLModel, table=True):
    """A token for `/api/v1`; only its SHA-256 is kept."""

    __tablename__ = "api_token"

    id: int | None = Field(default=None, primary_key=True)
    label: str
    sha256: str = Field(unique=True)
    created_at: datetime = Field(sa_type=Moment)
    last_used_at: datetime | None = Field(default=None, sa_type=Moment)
