"""What the API takes and gives: the models that validate are what the document is made of."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from provisioner.models.community import CommunityState
from provisioner.models.operation import OperationKind, OperationState, StepState
from provisioner.models.promise import (
    Adverts,
    Connections,
    Membership,
    Preset,
    Promises,
    Visibility,
)
from provisioner.models.verdict import Outcome

LARGEST_ID = 2**53 - 1  # what every JSON reader keeps exact


class Model(BaseModel):
    """Nothing unknown passes, in or out."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# -- asked ---------------------------------------------------------------------------------------

Offset = Annotated[int, Field(ge=0, le=1_000_000, description="How many to leave out first.")]
Limit = Annotated[int, Field(ge=1, le=200, description="How many to give at most.")]


class CommunityQuery(Model):
    """Which communities to list. Without `state`: all that are not gone."""

    search: str = Field("", max_length=100, description="Part of a name, address or founder.")
    state: CommunityState | None = None
    offset: Offset = 0
    limit: Limit = 50


class LogQuery(Model):
    """Where to go on reading a log."""

    after: int = Field(0, ge=0, le=LARGEST_ID, description="Only lines after this id.")


class RemoveQuery(Model):
    """Proof that the right community is meant."""

    confirm: str = Field(min_length=1, max_length=300, description="Its address, or first label.")
    even_without_backup: Literal["yes", "no"] = Field(
        "no", description="Also when no backup or export of the last day was proved."
    )


class NoQuery(Model):
    """No query parameters."""


class PromisesAsked(Model):
    """The promises to change; those left out stay as the preset has them."""

    visibility: Visibility | None = None
    membership: Membership | None = None
    connections: Connections | None = None
    adverts: Adverts | None = None
    rules: str | None = Field(None, max_length=4000)
    country: str | None = Field(
        None, pattern=r"^([A-Z]{2})?$", description="ISO 3166-1 alpha-2, or empty."
    )


class CommunityAsked(Model):
    """A community to create. The address follows from the name unless `label` is given."""

    name: str = Field(min_length=1, max_length=80, description="What people call it.")
    founder: str = Field(min_length=1, max_length=80, description="Who it belongs to.")
    preset: Preset = Preset.FAMILY
    promises: PromisesAsked | None = None
    label: str = Field("", max_length=100, description="First part of the address.")
    email: str = Field("", max_length=254)


class CheckAsked(Model):
    """An address whose community is to be checked."""

    address: str = Field(min_length=1, max_length=300)


# -- given ---------------------------------------------------------------------------------------


class Problem(Model):
    """What is wrong with one field."""

    field: str
    problem: str


class Trouble(Model):
    """Every error. `code` is stable and explained in docs/errors.md."""

    code: str
    explain: str
    next_step: str
    problems: list[Problem] = Field(default_factory=list)
    reference: str = Field("", description="Finds the cause in the log, if nobody expected it.")


class Community(Model):
    """One community, without any secret."""

    id: str
    name: str
    address: str
    url: str
    state: CommunityState
    preset: Preset
    release: str = Field(description="Version; empty before it is pinned.")
    verdict: str = Field(description="Outcome of the last check; empty before the first.")
    memory_mb: int | None
    created_at: AwareDatetime
    checked_at: AwareDatetime | None
    zone: str = Field(description="By whose clock it has its quiet hours.")
    reading_since: AwareDatetime | None = Field(description="Nobody writes since: it moves.")
    moved_to: str = Field(description="Where it lives now, once it moved.")
    kept_until: AwareDatetime | None = Field(description="How long its data is kept here then.")
    pinned_to: str = Field(description="The version it stays at; empty: it follows its channel.")
    postponed_until: AwareDatetime | None
    postponed_why: str
    upgraded_at: AwareDatetime | None
    before: str = Field(description="Version that ran before the last upgrade; empty: none.")


class CommunityPage(Model):
    """`next_offset` is null on the last page."""

    items: list[Community]
    total: int
    next_offset: int | None


class Operation(Model):
    """One requested change."""

    id: str
    kind: OperationKind
    state: OperationState
    message: str
    error_code: str
    created_at: AwareDatetime
    finished_at: AwareDatetime | None


class Finding(Model):
    """The result of one check."""

    check: str
    outcome: Outcome
    detail: str
    paths: list[str]


class DayOfVerdicts(Model):
    """All recorded checks of one day (UTC)."""

    day: date
    outcome: Outcome = Field(description="The worst of the day.")
    checks: int
    genuine: int = Field(description="How many of the checks said GENUINE.")
    first_at: AwareDatetime
    last_at: AwareDatetime


class VerdictChange(Model):
    """A check that found another outcome or release than the one before."""

    at: AwareDatetime
    outcome: Outcome
    outcome_before: str = Field(description="Empty for the first check.")
    release: str = Field(description="Version; empty when the check met none.")
    release_before: str


class CommunityWhole(Community):
    """With its promises, last findings, 90 days, last changes and operations, newest first.

    The days of `history` are oldest first.
    """

    promises: Promises
    promises_in_words: list[str]
    findings: list[Finding]
    history: list[DayOfVerdicts]
    changes: list[VerdictChange]
    operations: list[Operation]


class Accepted(Model):
    """Recorded; a worker does it. Follow it at `/operations/{id}`."""

    community: Community
    operation: Operation


class Links(Model):
    """Links that open things. Give them to the founder, and keep them out of logs."""

    signin_url: str
    invite_url: str
    console_url: str


class StepShown(Model):
    """One recorded effect of an operation."""

    name: str
    words: str
    state: StepState


class OperationWhole(Operation):
    """With how far it is. `percent` is 100 only when it succeeded."""

    percent: int = Field(ge=0, le=100)
    is_over: bool
    steps: list[StepShown]


class LogLine(Model):
    id: int
    step: str
    at: AwareDatetime
    text: str


class Log(Model):
    """`last_id` is what to send as `after` next time."""

    lines: list[LogLine]
    last_id: int


class Release(Model):
    """One published release, as its signed entry describes it."""

    target: str
    version: str
    channel: str
    security_floor: str
    is_self_built: bool


class ReleaseList(Model):
    items: list[Release]


class Verdict(Model):
    """All findings of one check plus the outcome."""

    outcome: Outcome
    findings: list[Finding]
    release: str
    measured_at: str = Field(description="UTC, ISO 8601; empty if never measured.")
    address: str
    summary: str


class Status(Model):
    """Communities by state; verdicts, where "" is not checked yet, and memory of what runs.

    `troubles` are sentences about what the control plane does by itself and could not do lately.
    """

    url: str
    communities: dict[CommunityState, int]
    verdicts: dict[str, int]
    memory_mb: int
    open_operations: int
    troubles: list[str]
