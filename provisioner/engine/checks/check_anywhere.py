"""`taarafo check`: judge a community from this machine or from any other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from provisioner.core.appraisal.appraise import STEPS
from provisioner.engine.checks.check import check, published_at
from provisioner.engine.checks.saved_check import SavedFile, recall_others, replay, save_check
from provisioner.engine.context import Context
from provisioner.models.verdict import Outcome, Verdict

Say = Callable[[str], None]
Share = Callable[[SavedFile, Verdict], None]
UNANSWERED = (
    "The address answered no question just now. The report that is there for everybody was saved: "
    "it does not show that it was made for you. Try again in a minute."
)
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
    context: Context,
    address: str,
    *,
    control: str = "",
    root: Path | None = None,
    save: Path | None = None,
    share: Share | None = None,
    is_full: bool = False,
    say: Say = lambda sentence: None,
) -> Verdict:
    """Fetch over the network as a member would.

    Without `root` the releases are read on this control plane. With `root`, the file a member got
    from somewhere she trusts, they are read from `control`, the control plane's address, and
    nothing of this machine is believed. `save` keeps everything the verdict rests on in a file:
    the agent is asked once, and its answer is both saved and judged. `share` is then called with
    what was written and what it was judged to be.
    Raises ReleaseRejected when there is no root at all, and NothingToSave.
    """
    home = control or context.settings.address
    releases = context.releases_at(home, root) if root else context.releases
    now = context.clock.now()
    keys: dict[str, str] = {}
    noting = context.fetch_noting(keys)
    file = None
    if save:
        file = save_check(
            address,
            home,
            now=now,
            fetch=noting,
            ask=noting.post,
            is_full=is_full,
            releases=releases,
            to=save,
        )
        if not file.saved.nonce:
            say(UNANSWERED)
    saved = file.saved if file else None
    fetch = replay(saved) if saved else noting
    verdict = check(
        address,
        now=now,
        fetch=fetch,
        releases=releases,
        enrolled=published_at(home, fetch),
        ask=None if saved else noting.post,
        is_full=is_full,
        observe=context.fetch_soon,
        nonce=saved.nonce if saved else "",
        report_of=recall_others(saved) if saved else None,
        keys=keys,
        keep=lambda division: str(releases.keep_shown(division)),
    )
    if file and share:
        share(file, verdict)
    return verdict


def exit_code_of(outcome: Outcome) -> int:
    """Zero only for GENUINE."""
    return EXIT_CODES[outcome]


def explain_verdict(verdict: Verdict) -> str:
    """Every numbered step of the appraisal: what it asks, and what it found."""
    lines = [verdict.outcome, verdict.summary]
    for step in STEPS:
        name = step.run.__name__.removeprefix("check_")
        asks = (step.run.__doc__ or "").splitlines()[0]
        found = [f for f in verdict.findings if f.check == name]
        lines += ["", asks] + [f"   {f.outcome}: {f.detail}" for f in found]
        lines += [f"      {path}" for f in found for path in f.paths]
        if not found:
            lines.append("   not reached: a step before it did not hold")
    known = {step.run.__name__.removeprefix("check_") for step in STEPS}
    lines += [
        f"{f.check}: {f.outcome}: {f.detail}" for f in verdict.findings if f.check not in known
    ]
    return "\n".join(lines)


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
