"""A community on several hosts: each report is judged by every step, and the worst counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioner.core.appraisal.agents import AgentKey
from provisioner.core.appraisal.appraise import STEPS, appraise
from provisioner.core.appraisal.case import Case, HostReport
from provisioner.core.appraisal.several import MOST, list_others
from provisioner.models.evidence import ContainerSeen, Evidence, write_moment
from provisioner.models.release import RecipePart
from provisioner.models.verdict import Finding, Outcome, Verdict
from tests.core.test_appraisal import (
    CASE,
    EVIDENCE,
    NOW,
    REFERENCE,
    RELEASE,
    SEEN,
    file,
    log_of,
    make_tree,
    sign,
)
from tests.core.test_appraisal_dsse import KEY, OTHER, public_of

HOSTS = ("h1", "h2")
AGENTS = (public_of(KEY), public_of(OTHER, "h2"))
REFERENCES = replace(REFERENCE, log=log_of(*AGENTS))
TAMPERED = replace(SEEN, tree=make_tree((file("/app/main.py", "dd"),)))
NONCE = "q" * 43


def report(host: str = "h2", **changes: object) -> Evidence:
    return replace(EVIDENCE, host=host, hosts=HOSTS, **changes)  # type: ignore[arg-type]


def served(
    evidence: Evidence, key: Ed25519PrivateKey = OTHER, host: str = "h2", nonce: str = ""
) -> HostReport:
    return HostReport(host, sign(evidence, key), nonce)


def judge(*others: HostReport, first: Evidence | None = None, **changes: object) -> Verdict:
    case = Case(CASE.address, sign(first or report("h1")), AGENTS, REFERENCES, others=others)
    return appraise(replace(case, **changes), NOW)  # type: ignore[arg-type]


def bad(verdict: Verdict) -> list[Finding]:
    return [each for each in verdict.findings if each.outcome != Outcome.GENUINE]


def test_two_honest_hosts_are_genuine_and_every_step_judged_both() -> None:
    verdict = judge(served(report()))
    assert verdict.outcome == Outcome.GENUINE
    for step in STEPS:
        name = step.run.__name__.removeprefix("check_")
        found = [each.detail for each in verdict.findings if each.check == name]
        assert len(found) == (1 if step.is_of_all else 2)
        told = [detail.partition(":")[0] for detail in found]
        assert step.is_of_all or told == ["Host h1", "Host h2"]


def test_with_one_host_nobody_is_named() -> None:
    verdict = appraise(CASE, NOW)
    assert verdict.outcome == Outcome.GENUINE
    assert not any(each.detail.startswith("Host ") for each in verdict.findings)


@pytest.mark.attack("one of two hosts changed", "MODIFIED")
@pytest.mark.parametrize("tampered", HOSTS)
def test_the_host_that_was_changed_is_named(tampered: str) -> None:
    seen = {host: (TAMPERED,) if host == tampered else (SEEN,) for host in HOSTS}
    first = report("h1", containers=seen["h1"])
    verdict = judge(served(report(containers=seen["h2"])), first=first)
    assert verdict.outcome == Outcome.MODIFIED
    (finding,) = bad(verdict)
    assert finding.detail == f"Host {tampered}: 1 path differs from the release."
    assert finding.paths == ("/app/main.py",)


@pytest.mark.attack("a host that reports and was left out of the list", "UNVERIFIABLE")
def test_a_replica_on_a_host_that_nobody_named() -> None:
    first, second = (replace(report(host), hosts=("h1",)) for host in HOSTS)
    verdict = judge(served(second), first=first)
    assert verdict.outcome == Outcome.UNVERIFIABLE
    assert [each.detail for each in bad(verdict)] == [
        "It runs on h2 too, where it is not said to run."
    ]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (served(report("h1"), KEY), "There are two reports of one host: h1."),
        (served(report("h2"), KEY), "The agent of host h1 signed a report of host h2."),
        (served(report("h1"), OTHER), "The agent of host h2 signed a report of host h1."),
    ],
)
@pytest.mark.attack("the report of one host given as another's", "REJECTED")
def test_one_host_cannot_speak_for_two(other: HostReport, said: str) -> None:
    verdict = judge(other)
    assert verdict.outcome == Outcome.REJECTED
    assert [each.detail for each in bad(verdict)] == [said]


def test_an_agent_cannot_sign_as_another_host_even_alone() -> None:
    verdict = judge(first=replace(EVIDENCE, host="h7"))
    assert verdict.outcome == Outcome.REJECTED


@pytest.mark.attack("the report of a host that is not enrolled", "REJECTED")
def test_a_host_that_is_not_enrolled_is_refused() -> None:
    stranger = Ed25519PrivateKey.from_private_bytes(b"\x09" * 32)
    verdict = judge(served(report(), stranger))
    assert verdict.outcome == Outcome.REJECTED
    assert {each.check for each in bad(verdict)} == {"signature", "hosts"}
    assert bad(verdict)[1].detail.startswith("Host h2: The report is not acceptable")


def test_a_host_of_the_list_that_sent_nothing_is_named() -> None:
    verdict = judge()
    assert verdict.outcome == Outcome.UNVERIFIABLE
    assert "no report of h2" in bad(verdict)[0].detail


@pytest.mark.parametrize(
    ("other", "outcome"),
    [
        (served(report(expires="2026-05-01T12:00:00Z")), Outcome.STALE),
        (served(report(origin="other.localhost:8080")), Outcome.RELAY),
        (served(report(nonce="x" * 43), nonce=NONCE), Outcome.REPLAY),
        (served(report(release="app/little/stable/1.2.1/release.json")), Outcome.UNVERIFIABLE),
        (served(report(containers=())), Outcome.UNVERIFIABLE),
        (HostReport("h2", b"\xff"), Outcome.REJECTED),
    ],
)
def test_the_whole_is_the_worst(other: HostReport, outcome: Outcome) -> None:
    verdict = judge(other)
    assert verdict.outcome == outcome
    assert any(each.detail.startswith("Host h2: ") for each in bad(verdict))


def test_each_host_has_to_answer_what_it_was_asked() -> None:
    first = report("h1", nonce=NONCE)
    answered = judge(served(report(nonce="r" * 43), nonce="r" * 43), first=first, nonce=NONCE)
    assert answered.outcome == Outcome.GENUINE
    assert judge(served(report()), first=first, nonce=NONCE).outcome == Outcome.GENUINE
    assert judge(served(report(), nonce=NONCE), first=first, nonce=NONCE).outcome == Outcome.REPLAY


def test_an_agent_of_another_host_must_be_in_the_log() -> None:
    verdict = judge(served(report()), reference=REFERENCE)
    assert verdict.outcome == Outcome.UNLOGGED
    assert bad(verdict)[0].detail.startswith("Host h2: ")


def test_it_was_measured_when_the_first_host_was() -> None:
    early = NOW - timedelta(minutes=3)
    other = report(issued=write_moment(early), expires=write_moment(early + timedelta(minutes=5)))
    assert judge(served(other)).measured_at == write_moment(early)


def test_services_of_one_release_may_run_on_different_hosts() -> None:
    part = RecipePart(
        image="app", command=("python3", "/app/main.py"), configs={}, environment={"MODE": "1"},
        uid=10100,
    )  # fmt: skip
    recipe = RELEASE.recipe.model_copy(update={"service": None, "services": {"a": part, "b": part}})
    release = RELEASE.model_copy(update={"recipe": recipe})
    reference = replace(REFERENCES, release=release)

    def of(host: str, *services: str) -> Evidence:
        seen: list[ContainerSeen] = [replace(SEEN, service=name) for name in services]
        return report(host, release=release.target, containers=tuple(seen))

    def absent(*services: str) -> set[str]:
        verdict = judge(served(of("h2", *services)), first=of("h1", "a"), reference=reference)
        return {each.detail for each in verdict.findings if "not in the report" in each.detail}

    assert absent("b") == absent("a", "b") == set()
    assert absent("a") == {"Host h1: The service b of the release is not in the report."}


@pytest.mark.parametrize(
    ("hosts", "agents", "asked"),
    [
        ((), AGENTS[:1], ()),
        (("h1",), AGENTS[:1], ()),
        ((), AGENTS, ("h2",)),
        (("h1", "h2", "h3"), AGENTS, ("h2", "h3")),
        (("../x", "a/b", "", "h" * 65, "\ud800"), AGENTS[:1], ()),
        (("h9",), AGENTS[1:], ()),  # nobody who counts signed the first
    ],
)
def test_whom_to_ask(hosts: tuple[str, ...], agents: tuple[AgentKey, ...], asked: tuple) -> None:
    envelope = sign(replace(EVIDENCE, hosts=hosts))
    assert list_others(envelope, agents) == asked
    assert list_others(None, agents) == ()


def test_no_report_makes_a_check_ask_without_end() -> None:
    hosts = tuple(f"z{number:04}" for number in range(9999))
    asked = list_others(sign(replace(EVIDENCE, hosts=hosts)), AGENTS)
    assert asked == hosts[:MOST]
