"""A community on several hosts: whose reports to ask for, and how they are told apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from provisioner.core.appraisal.agents import AgentKey
from provisioner.core.appraisal.case import Case, HostReport
from provisioner.core.appraisal.report import open_envelope, read_statement
from provisioner.models.evidence import Evidence
from provisioner.models.verdict import Finding

MOST = 64  # hosts that one check asks besides the one that served
_HOST = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch


@dataclass(frozen=True)
class Signed:
    """A statement beside the enrolled agent that signed it."""

    signer: AgentKey
    evidence: Evidence


def list_others(envelope: bytes | None, agents: Iterable[AgentKey]) -> tuple[str, ...]:
    """Ids of the hosts whose reports belong beside this one, sorted; none beside one that is none.

    Those are the hosts that the report names, and every other one whose agent is enrolled: a
    replica on a host that nobody named is found by asking there. Those named come first, should
    there be too many.
    """
    known = tuple(agents)
    try:
        first = read_signed(envelope or b"", known)
    except ValueError:
        return ()
    named, here = set(first.evidence.hosts), first.signer.host_id
    others = sorted((named | {each.host_id for each in known}) - {here})
    fit = sorted((each for each in others if _HOST(each)), key=lambda each: each not in named)
    return tuple(sorted(fit[:MOST]))


def read_signed(envelope: bytes, agents: Iterable[AgentKey]) -> Signed:
    """Raises ValueError with the reason."""
    signer, payload = open_envelope(envelope, agents)
    return Signed(signer, read_statement(payload))


def read_others(case: Case) -> Iterator[Signed]:
    """The other hosts' statements; one that cannot be read is judged where it is looked at."""
    for report in case.others:
        try:
            yield read_signed(report.envelope, case.counting)
        except ValueError:
            continue


def case_of(case: Case, report: HostReport) -> Case:
    """The case of that one host alone."""
    return replace(case, envelope=report.envelope, nonce=report.nonce, others=())


def say_of_host(host: str, finding: Finding) -> Finding:
    """The finding with the name of the host that it is about."""
    return replace(finding, detail=f"Host {host}: {finding.detail}")
