"""Findings and the Verdict they add up to. A failed check is a value, not an exception."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

from pydantic import TypeAdapter


class Outcome(StrEnum):
    """What can be said of a community. Only GENUINE is good; UNKNOWN is never a pass."""

    GENUINE = "GENUINE"
    OUTDATED = "OUTDATED"
    STALE = "STALE"
    MODIFIED = "MODIFIED"
    DIVERGENT = "DIVERGENT"
    UNVERIFIABLE = "UNVERIFIABLE"
    REJECTED = "REJECTED"
    EQUIVOCATION = "EQUIVOCATION"  # the log said two different things of one size
    UNLOGGED = "UNLOGGED"  # signed, but not in the public log
    RELAY = "RELAY"  # the report of another community
    REPLAY = "REPLAY"  # the answer to another question
    CLOCK_SKEW = "CLOCK-SKEW"
    UNKNOWN = "UNKNOWN"


# Which outcome a Verdict takes when its findings differ: the first of these that occurs.
# A signature or an identity that is wrong makes everything else hearsay; a difference that was
# seen counts more than something that could not be seen; what is merely old comes last.
PRECEDENCE = (
    Outcome.REJECTED,
    Outcome.EQUIVOCATION,
    Outcome.RELAY,
    Outcome.REPLAY,
    Outcome.UNLOGGED,
    Outcome.MODIFIED,
    Outcome.DIVERGENT,
    Outcome.UNVERIFIABLE,
    Outcome.UNKNOWN,
    Outcome.CLOCK_SKEW,
    Outcome.STALE,
    Outcome.OUTDATED,
    Outcome.GENUINE,
)


# Something was seen that should not be; the others are "we cannot tell" and "it is old".
ALARMING = frozenset(
    (
        Outcome.REJECTED,
        Outcome.EQUIVOCATION,
        Outcome.RELAY,
        Outcome.REPLAY,
        Outcome.UNLOGGED,
        Outcome.MODIFIED,
        Outcome.DIVERGENT,
    )
)

BEFORE_ANY_REPORT = frozenset(("address", "signature"))  # the checks that need none


@dataclass(frozen=True)
class Finding:
    """The result of one check. `check` is the step's name, e.g. `files`."""

    check: str
    outcome: Outcome
    detail: str
    paths: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """All findings plus the outcome. `measured_at` is UTC ISO 8601, empty if never measured."""

    outcome: Outcome
    findings: tuple[Finding, ...]
    release: str = ""
    measured_at: str = ""
    address: str = ""
    summary: str = ""

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def is_nothing_there(verdict: Verdict) -> bool:
    """No report was met at all.

    A slip in the address, a community that never was, one that is gone and one that is silent
    must look alike, so that no page tells which addresses exist.
    """
    return verdict.outcome is Outcome.UNVERIFIABLE and all(
        finding.check in BEFORE_ANY_REPORT for finding in verdict.findings
    )


def outcome_of(findings: Iterable[Finding]) -> Outcome:
    """The outcome that wins; UNKNOWN when nothing was found at all."""
    return worst_of(finding.outcome for finding in findings)


def worst_of(outcomes: Iterable[Outcome]) -> Outcome:
    """The first of them in PRECEDENCE; UNKNOWN for none."""
    return min(outcomes, key=PRECEDENCE.index, default=Outcome.UNKNOWN)


def read_verdict(kept: Mapping[str, object]) -> Verdict:
    """What `Verdict.as_json` gave, read back. Raises ValueError for anything else."""
    return TypeAdapter(Verdict).validate_python(kept)
