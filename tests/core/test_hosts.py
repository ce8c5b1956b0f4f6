"""All hosts of a community report, each once, and of the same thing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.appraisal.hosts import judge_hosts
from provisioner.models.evidence import Evidence
from provisioner.models.verdict import Outcome
from tests.core.test_appraisal import EVIDENCE


def of(host: str, *hosts: str, **changes: str) -> Evidence:
    return replace(EVIDENCE, host=host, hosts=hosts, **changes)


@pytest.mark.parametrize(
    "statements",
    [
        [of("a")],
        [of("a", "a")],
        [of("a", "a", "b"), of("b", "b", "a")],
        [of("a", "b", "a"), of("b")],
        [of("a", "a"), of("b", "b")],
    ],
)
def test_everybody_who_must_report_did(statements: list[Evidence]) -> None:
    assert judge_hosts(statements).outcome == Outcome.GENUINE
    assert judge_hosts(statements).check == "hosts"


@pytest.mark.parametrize(
    "statements",
    [[of("a", "a", "b")], [of("a", "b", "a")], [of("a"), of("c", "b")], [of("a", "a", "c", "b")]],
)
def test_a_host_that_is_left_out_is_named(statements: list[Evidence]) -> None:
    finding = judge_hosts(statements)
    assert finding.outcome == Outcome.UNVERIFIABLE
    assert "b" in finding.detail.split(" of ")[1].split(",")[0]


@pytest.mark.parametrize(
    "statements",
    [[of("a", "a"), of("b")], [of("a", "a"), of("b", "a"), of("c", "c")], [of("b", "a"), of("a")]],
)
def test_a_host_that_nobody_named_is_named(statements: list[Evidence]) -> None:
    finding = judge_hosts(statements)
    assert finding.outcome == Outcome.UNVERIFIABLE
    assert finding.detail == "It runs on b too, where it is not said to run."


def test_several_hosts_and_nobody_says_which_there_are() -> None:
    assert judge_hosts([of("a"), of("b")]).outcome == Outcome.UNVERIFIABLE


def test_no_report_at_all() -> None:
    assert judge_hosts([]).outcome == Outcome.UNVERIFIABLE


def test_two_reports_of_one_host_are_rejected_even_if_they_are_the_same() -> None:
    finding = judge_hosts([of("a", "a", "b"), of("b"), of("a", "a", "b")])
    assert finding.outcome == Outcome.REJECTED
    assert finding.detail.endswith(": a.")


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"release": "app/little/stable/1.2.1/release.json"}, Outcome.UNVERIFIABLE),
        ({"community": "other"}, Outcome.RELAY),
        ({"origin": "other.localhost:8080"}, Outcome.RELAY),
    ],
)
def test_reports_of_different_things_are_no_pass(changes: dict[str, str], outcome: Outcome) -> None:
    assert judge_hosts([of("a"), of("b", **changes)]).outcome == outcome


NAMES = st.sampled_from("abcd")


@given(st.dictionaries(NAMES, st.lists(NAMES, max_size=3), min_size=1))
def test_it_is_a_pass_exactly_when_those_report_that_must(reports: dict[str, list[str]]) -> None:
    finding = judge_hosts([of(host, *hosts) for host, hosts in reports.items()])
    named = {each for hosts in reports.values() for each in hosts}
    is_whole = named == set(reports) or (not named and len(reports) == 1)
    assert (finding.outcome == Outcome.GENUINE) == is_whole
