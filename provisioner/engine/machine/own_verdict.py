"""Check the control plane itself, as anybody could, and keep what came out in one small file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from provisioner.engine.checks.attest import check_community
from provisioner.engine.context import Context
from provisioner.files import write_atomically
from provisioner.models.verdict import Outcome, Verdict

RECHECK_AFTER = timedelta(minutes=4)
PATIENCE, PAUSE = 20.0, 0.5  # seconds


@dataclass(frozen=True)
class OwnVerdict:
    """What the last check said, and when that was."""

    outcome: str
    checked_at: datetime


def record_own_verdict(context: Context) -> Verdict:
    """Check now, and keep it. Never raises for what is a finding."""
    verdict = check_community(context, context.settings.address)
    kept = {"checked_at": context.clock.now().isoformat(), "verdict": verdict.as_json()}
    write_atomically(context.settings.own_verdict_file, json.dumps(kept).encode())
    return verdict


def find_own_verdict(context: Context) -> OwnVerdict | None:
    """The last one, or None before the first."""
    try:
        kept = json.loads(context.settings.own_verdict_file.read_bytes())
        outcome = Outcome(kept["verdict"]["outcome"])
        return OwnVerdict(outcome, datetime.fromisoformat(kept["checked_at"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def watch_control_plane(context: Context) -> None:
    """Check again once the last verdict is old, and at every round while it is not good."""
    last, now = find_own_verdict(context), context.clock.now()
    if not last or last.outcome != Outcome.GENUINE or now - last.checked_at > RECHECK_AFTER:
        record_own_verdict(context)


def await_own_verdict(context: Context) -> Verdict:
    """The verdict on what was just started: its report takes a moment to come."""
    verdict, waited = record_own_verdict(context), 0.0
    while verdict.outcome is not Outcome.GENUINE and waited < PATIENCE:
        context.clock.sleep(PAUSE)
        waited += PAUSE
        verdict = record_own_verdict(context)
    return verdict
