"""A Card: all that a community is beside its data, as it lies in each of its backups."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from provisioner.models.promise import Preset, Promises


class Card(BaseModel):
    """What another control plane has to know to bring it back. `secrets` are in plain in it, so
    that it never leaves a process unsealed. A newer form has another number."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    form: Literal[1] = 1
    name: str
    label: str
    address: str
    founder: str
    email: str = ""
    preset: Preset
    promises: Promises
    app: str
    channel: str
    release: str  # TUF target path of what ran
    version: str
    zone: str = ""
    created_at: datetime
    secrets: dict[str, str]
