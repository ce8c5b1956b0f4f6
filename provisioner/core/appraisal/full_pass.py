"""Judges how long ago an agent last read every byte of a container's files."""

from __future__ import annotations

from datetime import datetime, timedelta

from provisioner.core.appraisal.identity_steps import CLOCK_SKEW
from provisioner.core.appraisal.wording import say_age
from provisioner.models.evidence import parse_moment
from provisioner.models.verdict import Finding, Outcome

LONGEST = timedelta(hours=26)  # the agent reads every byte once a day


def judge_full_pass(told: str, now: datetime) -> tuple[str, Finding | None]:
    """(a sentence to add where the files match, what is wrong with `told`).

    A report that tells nothing is of an agent that read every byte for every report.
    """
    if not told:
        return "", None
    try:
        read = parse_moment(told)
    except ValueError:
        detail = "The report does not say when every byte was read."
        return "", Finding("files", Outcome.REJECTED, detail)
    if read > now + CLOCK_SKEW:
        detail = "The report has every byte read in the future: one of the two clocks is wrong."
        return "", Finding("files", Outcome.STALE, detail)
    age = say_age(read, now)
    if now - read > LONGEST:
        detail = f"Every byte was last read {age}, which is too long ago."
        return "", Finding("files", Outcome.STALE, detail)
    return f" Every byte was read {age}.", None
