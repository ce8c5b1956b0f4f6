"""Judges the statements of all hosts of one community together: is any of them left out?"""

from __future__ import annotations

from collections.abc import Sequence

from provisioner.core.appraisal.several import Signed
from provisioner.core.appraisal.wording import count
from provisioner.models.evidence import Evidence
from provisioner.models.verdict import Finding, Outcome

_NAME = "hosts"


def judge_signed(reports: Sequence[Signed]) -> Finding:
    """The same of statements with their signers: an agent speaks for its own host alone."""
    for each in reports:
        if each.evidence.host != each.signer.host_id:
            who, whose = each.signer.host_id, each.evidence.host
            detail = f"The agent of host {who} signed a report of host {whose}."
            return Finding(_NAME, Outcome.REJECTED, detail)
    return judge_hosts([each.evidence for each in reports])


def judge_hosts(statements: Sequence[Evidence]) -> Finding:
    """Whether every host that any statement names has made one statement, about the same thing.

    A community that names no hosts is whole with one statement of any host. No other host than
    those that are named may report.
    """
    reporting = [each.host for each in statements]
    twice = sorted({host for host in reporting if reporting.count(host) > 1})
    if not statements:
        return Finding(_NAME, Outcome.UNVERIFIABLE, "No host reports of this community.")
    if twice:
        detail = f"There are two reports of one host: {', '.join(twice)}."
        return Finding(_NAME, Outcome.REJECTED, detail)
    if len({(each.community, each.origin) for each in statements}) > 1:
        return Finding(_NAME, Outcome.RELAY, "The reports are of different communities.")
    if len({each.release for each in statements}) > 1:
        detail = "The hosts report different releases."
        return Finding(_NAME, Outcome.UNVERIFIABLE, detail)
    return _judge_presence(statements)


def _judge_presence(statements: Sequence[Evidence]) -> Finding:
    reporting = {each.host for each in statements}
    named = {host for each in statements for host in each.hosts}
    missing, strange = sorted(named - reporting), sorted(reporting - named)
    if missing:
        detail = f"There is no report of {', '.join(missing)}, where this community runs too."
        return Finding(_NAME, Outcome.UNVERIFIABLE, detail)
    if named and strange:
        detail = f"It runs on {', '.join(strange)} too, where it is not said to run."
        return Finding(_NAME, Outcome.UNVERIFIABLE, detail)
    if len(reporting) > 1 and not named:
        detail = f"{count(len(reporting), 'host')} report, and nobody says which there are."
        return Finding(_NAME, Outcome.UNVERIFIABLE, detail)
    detail = f"{count(len(reporting), 'host')} of this community reported, and none is missing."
    return Finding(_NAME, Outcome.GENUINE, detail)
