"""What the disk holds: a machine's own, and images that nobody needs any more."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from provisioner.models.moment import Moment


class Disk(SQLModel, table=True):
    """The disk of one node that communities' data is on, as it was last looked at. In bytes."""

    __tablename__ = "disk"

    node_id: str = Field(primary_key=True)
    name: str = ""  # of the node
    total: int = Field(sa_type=BigInteger)
    free: int = Field(sa_type=BigInteger)  # for everybody but root
    looked_at: datetime = Field(sa_type=Moment)

    @property
    def used(self) -> int:
        return self.total - self.free


class IdleImage(SQLModel, table=True):
    """An image of ours that an engine keeps and nothing needs, `since` that was first seen."""

    __tablename__ = "idle_image"

    reference: str = Field(primary_key=True)  # repository@sha256:…
    since: datetime = Field(sa_type=Moment)
