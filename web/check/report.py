"""A verdict as the page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from provisioner.core.appraisal.log_steps import NOBODY_LOOKED
from provisioner.core.appraisal.wording import count
from provisioner.models.verdict import ALARMING, Outcome, Verdict
from web.check.words import ADVICE, HEADLINES, MARKS, NOTHING_SEEN, question_of


@dataclass(frozen=True)
class Line:
    """One finding: the question, the answer, a word for how it went, and paths that differ."""

    question: str
    answer: str
    mark: str
    fits: bool
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """`signer` is the sentence that says who signed it; empty when nobody we know did."""

    outcome: Outcome
    headline: str
    summary: str
    advice: str
    lines: tuple[Line, ...]
    measured_at: datetime | None
    signer: str

    @property
    def is_alarming(self) -> bool:
        return self.outcome in ALARMING

    @property
    def fits(self) -> bool:
        return all(line.fits for line in self.lines)

    @property
    def score(self) -> str:
        """`13 things were looked at. 12 fit.`"""
        seen = [line for line in self.lines if line.mark != NOTHING_SEEN]
        looked = f"{count(len(seen), 'thing was', 'things were')} looked at."
        fitting = sum(line.fits for line in seen)
        return f"{looked} {'All fit' if self.fits else count(fitting, 'fits', 'fit')}."

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that differs, once, in the order found."""
        return tuple(dict.fromkeys(p for line in self.lines if not line.fits for p in line.paths))


def write_report(verdict: Verdict) -> Report:
    lines = tuple(
        Line(
            question_of(f.check),
            f.detail,
            NOTHING_SEEN if f.detail == NOBODY_LOOKED else MARKS[f.outcome],
            f.outcome is Outcome.GENUINE,
            f.paths,
        )
        for f in verdict.findings
    )
    signed = [f.detail for f in verdict.findings if f.check == "signature"]
    is_signed = bool(verdict.measured_at)
    return Report(
        outcome=verdict.outcome,
        headline=HEADLINES[verdict.outcome],
        summary=verdict.summary,
        advice=ADVICE[verdict.outcome],
        lines=lines,
        measured_at=datetime.fromisoformat(verdict.measured_at) if is_signed else None,
        signer=signed[0] if is_signed and signed else "",
    )
