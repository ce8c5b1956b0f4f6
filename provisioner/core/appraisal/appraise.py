"""Judges a case step by step. The steps are numbered here once and in each step's own words.

1 signature → 2 statement → 3 community → 4 time → 5 release → 6 log → 7 version → 8 hosts →
9 service → 10 files → 11 mounts → 12 settings → 13 processes → 14 confinement → 15 environment →
16 witnesses.

A gate that does not open ends the appraisal, because nothing after it would mean anything. All
other steps always run, so that a verdict names everything that is wrong. The steps from 10 to 15
look at each service by itself. Each host's report is judged by every step but 7, 8 and 16, which
are asked once, of all hosts together. Which outcome wins is `models.verdict.PRECEDENCE`. A step
that says nothing, a policy without steps and an error that nobody expected are UNKNOWN: never a
pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from provisioner.core.appraisal.case import Case
from provisioner.core.appraisal.examination import Examination
from provisioner.core.appraisal.identity_steps import (
    check_community,
    check_hosts,
    check_release,
    check_signature,
    check_statement,
    check_time,
    check_version,
)
from provisioner.core.appraisal.log_steps import check_log, check_witnesses
from provisioner.core.appraisal.runtime_steps import (
    check_confinement,
    check_environment,
    check_files,
    check_mounts,
    check_processes,
    check_service,
    check_settings,
)
from provisioner.core.appraisal.several import case_of, say_of_host
from provisioner.core.appraisal.wording import show_path, summarize
from provisioner.models.verdict import Finding, Outcome, Verdict, outcome_of


@dataclass(frozen=True)
class Step:
    """One numbered check."""

    number: int
    run: Callable[[Examination], Iterator[Finding]]
    is_gate: bool = False
    is_of_each: bool = False  # looks at one service at a time
    is_of_all: bool = False  # looks at all hosts together


STEPS = (
    Step(1, check_signature, is_gate=True),
    Step(2, check_statement, is_gate=True),
    Step(3, check_community, is_gate=True),
    Step(4, check_time),
    Step(5, check_release, is_gate=True),
    Step(6, check_log),
    Step(7, check_version, is_of_all=True),
    Step(8, check_hosts, is_of_all=True),
    Step(9, check_service),
    Step(10, check_files, is_of_each=True),
    Step(11, check_mounts, is_of_each=True),
    Step(12, check_settings, is_of_each=True),
    Step(13, check_processes, is_of_each=True),
    Step(14, check_confinement, is_of_each=True),
    Step(15, check_environment, is_of_each=True),
    Step(16, check_witnesses, is_of_all=True),
)


def appraise(case: Case, now: datetime, steps: Sequence[Step] = STEPS) -> Verdict:
    """The verdict on a case at the time `now`: the worst of all hosts. Never raises."""
    it = Examination(case, now)
    findings, looked_at = _judge(it, steps), [it]
    of_one = [step for step in steps if not step.is_of_all]
    for report in case.others:
        other = Examination(case_of(case, report), now, is_whole=False)
        findings += [say_of_host(report.host, each) for each in _judge(other, of_one)]
        looked_at.append(other)
    return _conclude(looked_at, findings)


def _judge(it: Examination, steps: Sequence[Step]) -> list[Finding]:
    """What the steps find in one host's report."""
    findings: list[Finding] = []
    try:
        for step in steps:
            found = list(_run(step, it)) or [_nothing(step)]
            findings += [_tell(it, step, each) for each in found]
            if step.is_gate and outcome_of(found) != Outcome.GENUINE:
                break
    except Exception as error:
        # The top of an appraisal: whatever happened, it is not a pass.
        detail = f"The check met something unexpected ({type(error).__name__})."
        findings.append(Finding("appraisal", Outcome.UNKNOWN, detail))
    return findings


def _tell(it: Examination, step: Step, finding: Finding) -> Finding:
    """The host that served is named where there are others."""
    if it.signer is None or step.is_of_all or not it.case.others:
        return finding
    return say_of_host(it.signer.host_id, finding)


def _run(step: Step, it: Examination) -> Iterator[Finding]:
    if not step.is_of_each:
        yield from step.run(it)
        return
    for subject in it.subjects:
        for finding in step.run(it.only(subject)):
            yield replace(finding, detail=subject.say(finding.detail))


def _nothing(step: Step) -> Finding:
    name = step.run.__name__.removeprefix("check_")
    return Finding(name, Outcome.UNKNOWN, "There was nothing to look at.")


def _show(finding: Finding) -> Finding:
    """Names in a report are a stranger's: none may reach a terminal or page as it is."""
    paths = tuple(show_path(path) for path in finding.paths)
    return replace(finding, detail=show_path(finding.detail), paths=paths)


def _conclude(looked_at: Sequence[Examination], findings: list[Finding]) -> Verdict:
    """It was measured when the host that was measured first was."""
    it = looked_at[0]
    if not findings:
        findings = [Finding("policy", Outcome.UNKNOWN, "No checks were asked for.")]
    outcome = outcome_of(findings)
    release = it.case.reference.release if it.case.reference else None
    measured = min(filter(None, (each.measured_at for each in looked_at)), default=None)
    return Verdict(
        outcome=outcome,
        findings=tuple(_show(each) for each in findings),
        release=release.target if release else "",
        measured_at=measured.isoformat().replace("+00:00", "Z") if measured else "",
        address=it.case.address,
        summary=summarize(
            outcome,
            f"release {release.version} of {release.recipe.title}" if release else "",
            measured,
            it.now,
        ),
    )
