"""`taarafo check`: judge a community from this machine or from any other."""

from __future__ import annotations

from pathlib import Path

from provisioner.engine.check import check, published_at
from provisioner.engine.context import Context
from provisioner.models.verdict import Outcome, Verdict

EXIT_CODES = {
    Outcome.GENUINE: 0,
    Outcome.MODIFIED: 40,
    Outcome.OUTDATED: 41,
    Outcome.STALE: 42,
    Outcome.DIVERGENT: 43,
    Outcome.UNVERIFIABLE: 44,
    Outcome.REJECTED: 45,
    Outcome.UNKNOWN: 46,
    Outcome.UNLOGGED: 47,
    Outcome.EQUIVOCATION: 48,
    Outcome.REPLAY: 49,
    Outcome.RELAY: 50,
    Outcome.CLOCK_SKEW: 51,
}


def check_anywhere(
    context: Context, address: str, *, control: str = "", root: Path | None = None
) -> Verdict:
    """Fetch over the network as a member would.

    Without `root` the releases are read on this control plane. With `root`, the file a member got
    from somewhere she trusts, they are read from `control`, the control plane's address, and
    nothing of this machine is believed. Raises ReleaseRejected when there is no root at all.
    """
    home = control or context.settings.address
    releases = context.releases_at(home, root) if root else context.releases
    return check(
        address,
        now=context.clock.now(),
        fetch=context.fetch,
        releases=releases,
        enrolled=published_at(home, context.fetch),
    )


def exit_code_of(outcome: Outcome) -> int:
    """Zero only for GENUINE."""
    return EXIT_CODES[outcome]


def write_verdict(verdict: Verdict) -> str:
    """For a terminal: the outcome, one sentence, then each finding with its paths.

    The appraisal has made every name in it safe to show.
    """
    lines = [verdict.outcome, verdict.summary, ""]
    for finding in verdict.findings:
        mark = "  " if finding.outcome is Outcome.GENUINE else "! "
        lines.append(f"{mark}{finding.check}: {finding.detail}")
        lines += [f"      {path}" for path in finding.paths]
    return "\n".join(lines)
