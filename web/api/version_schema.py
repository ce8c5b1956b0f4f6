"""What may be asked and is told about versions: upgrades, wishes and rollouts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from provisioner.core.quotas import LARGEST
from web.api.schema import Model


class UpgradeAsked(Model):
    to: str = Field("", pattern=r"^(\d{1,4}\.\d{1,4}\.\d{1,4})?$", description="Empty: the newest.")


class RollbackAsked(Model):
    as_it_was: bool = Field(
        False, description="With the data of then, too; what was written since is put aside."
    )


class WishesAsked(Model):
    """What the operator decides for a community; what is left out stays."""

    pinned_to: str | None = Field(None, max_length=14, description="Empty ends a pin.")
    postpone_days: int | None = Field(None, ge=0, le=90, description="0 ends a delay.")
    postpone_why: str = Field("", max_length=200)
    quota_mb: Annotated[int, Field(ge=0, le=LARGEST)] | Literal["default"] | None = Field(
        None, description="Millions of bytes of data that it may have; 0: no limit."
    )
    channel: Literal["stable", "early"] | None = None
    zone: str | None = Field(None, max_length=60, description="As America/Chicago; empty is UTC.")


class RolloutAsked(Model):
    release: str = Field(
        min_length=1, max_length=200, description="As the list of rollouts has it."
    )


class Rollout(Model):
    """How far one release has come in the fleet."""

    release: str
    version: str
    channel: str
    state: Literal["active", "paused", "halted", "done"]
    wave: int = Field(ge=0, le=2, description="0: canaries, 1: a tenth, 2: everybody.")
    urgency: Literal["routine", "security"]
    reason: str = Field(description="What was decided last, in a sentence.")
    notes: str
    standings: dict[str, int]
    first_seen_at: AwareDatetime
    wave_started_at: AwareDatetime | None
    decided_at: AwareDatetime | None


class RolloutList(Model):
    items: list[Rollout]
