"""The check gathers what anybody could, and whatever goes wrong there is a finding."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from provisioner.core.appraisal.address import read_address
from provisioner.core.appraisal.agents import AgentList, write_agent_list
from provisioner.core.appraisal.dsse import append_signature
from provisioner.engine.checks.check import check, published_at
from provisioner.errors import (
    LogDivided,
    OlderLog,
    ReleaseExpired,
    ReleaseRejected,
    ReleaseUnlogged,
    Unavailable,
    WitnessesMissing,
)
from provisioner.models.verdict import Outcome, Verdict
from tests.core.test_appraisal import ADDRESS, EVIDENCE, KEY, MANIFEST, NOW, OTHER, RELEASE, sign
from tests.core.test_appraisal_dsse import public_of
from tests.core.test_rotation import NEW, rotate
from tests.live.little_release import LittleReleases

SERVED = {
    (ADDRESS, "/.well-known/taarafo/evidence.dsse"): sign(EVIDENCE),
    ("localhost:8080", "/.well-known/taarafo/agents.json"): write_agent_list(
        AgentList((public_of(KEY),))
    ),
}


def fetch(address: str, path: str) -> bytes | None:
    return SERVED.get((address, path))


def away(*_: str) -> bytes | None:
    raise Unavailable(part="it")


def judge(
    address: str = ADDRESS,
    fetch: Callable[[str, str], bytes | None] = fetch,
    enrolled: Callable[[], AgentList] | None = None,
    **changes: object,
) -> Verdict:
    releases = LittleReleases(RELEASE, MANIFEST, agents=(public_of(KEY),), **changes)  # type: ignore[arg-type]
    known = enrolled or published_at("localhost:8080", fetch)
    return check(address, now=NOW, fetch=fetch, releases=releases, enrolled=known)


def test_an_honest_community_is_genuine() -> None:
    assert judge().outcome == Outcome.GENUINE


@pytest.mark.parametrize(
    "typed", [f" HTTP://{ADDRESS}/ ", f"https://{ADDRESS}/x?y", ADDRESS.upper()]
)
def test_an_address_is_taken_as_people_type_it(typed: str) -> None:
    assert judge(typed).outcome == Outcome.GENUINE


@pytest.mark.parametrize(
    "typed",
    ["", "/", "a b", "..", "a..b", "-a", "a:b", "a@b", "a\r\nb", "[::1]", "ａ.example", "a:999999"],
)
def test_what_is_no_address_is_asked_nobody(typed: str) -> None:
    def refuse(*_: str) -> bytes | None:
        pytest.fail("it was asked")

    verdict = judge(typed, fetch=refuse, enrolled=lambda: AgentList((public_of(KEY),)))
    assert verdict.outcome == Outcome.UNVERIFIABLE
    with pytest.raises(ValueError, match="address"):
        read_address(typed)


def test_a_community_that_does_not_answer() -> None:
    verdict = judge(fetch=away, enrolled=lambda: AgentList((public_of(KEY),)))
    assert verdict.outcome == Outcome.UNVERIFIABLE
    assert "does not answer" in verdict.findings[0].detail


def test_a_community_without_evidence() -> None:
    verdict = judge("other.localhost:8080")
    assert verdict.outcome == Outcome.UNVERIFIABLE


def broken() -> AgentList:
    raise ValueError("broken")


@pytest.mark.parametrize(
    ("enrolled", "outcome"),
    [
        (AgentList, Outcome.UNVERIFIABLE),
        (lambda: AgentList((public_of(OTHER),)), Outcome.REJECTED),
        (lambda: away(), Outcome.UNKNOWN),
        (broken, Outcome.UNVERIFIABLE),
        (published_at("nowhere", fetch), Outcome.UNVERIFIABLE),
        (published_at(ADDRESS, lambda *_: b"{}"), Outcome.UNVERIFIABLE),
    ],
)
def test_without_the_agents_there_is_no_pass(
    enrolled: Callable[[], AgentList], outcome: Outcome
) -> None:
    assert judge(enrolled=enrolled).outcome == outcome


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ReleaseExpired(reason="too old"), Outcome.STALE),
        (ReleaseRejected(reason="forged"), Outcome.REJECTED),
        (ReleaseUnlogged(reason="hidden"), Outcome.UNLOGGED),
        (LogDivided(reason="two", folder="here"), Outcome.EQUIVOCATION),
        (OlderLog(reason="shorter"), Outcome.REJECTED),
        (WitnessesMissing(found=1, names="w"), Outcome.STALE),
        (Unavailable(part="the list"), Outcome.UNKNOWN),
    ],
)
def test_a_release_that_cannot_be_looked_up_is_a_finding(
    error: Exception, outcome: Outcome
) -> None:
    assert judge(error=error).outcome == outcome


def test_a_release_that_nobody_published() -> None:
    other = RELEASE.model_copy(update={"channel": "beta"})
    releases = LittleReleases(other, MANIFEST)
    verdict = check(ADDRESS, now=NOW, fetch=fetch, releases=releases,
                    enrolled=published_at("localhost:8080", fetch))  # fmt: skip
    assert verdict.outcome == Outcome.UNVERIFIABLE


@pytest.mark.attack("below the security floor", "OUTDATED")
def test_below_the_floor_is_named_as_weak() -> None:
    recipe = RELEASE.recipe.model_copy(update={"version": "1.3.0"})
    verdict = judge(newest_release=RELEASE.model_copy(update={"recipe": recipe}), floor="1.2.5")
    assert verdict.outcome == Outcome.OUTDATED
    assert any("known weakness" in finding.detail for finding in verdict.findings)


def answering(change: Callable[[str], str]) -> Callable[[str, bytes], bytes | None]:
    """An agent that puts `change(nonce)` into what it signs."""

    def ask(address: str, path: str, body: bytes) -> bytes | None:
        nonce = json.loads(body)["nonce"]
        return sign(replace(EVIDENCE, nonce=change(nonce)))

    return ask


def judge_asking(ask: Callable[[str, str, bytes], bytes | None]) -> Verdict:
    releases = LittleReleases(RELEASE, MANIFEST, agents=(public_of(KEY),))
    enrolled = published_at("localhost:8080", fetch)
    return check(ADDRESS, now=NOW, fetch=fetch, releases=releases, enrolled=enrolled, ask=ask)


@pytest.mark.parametrize(
    ("ask", "outcome", "said"),
    [
        (answering(lambda nonce: nonce), Outcome.GENUINE, "our own question"),
        (answering(lambda nonce: "x" * 43), Outcome.REPLAY, "another question"),
        (lambda *_: sign(EVIDENCE), Outcome.REPLAY, "another question"),
        (lambda *_: None, Outcome.GENUINE, "no question of ours"),
        (away, Outcome.GENUINE, "no question of ours"),
    ],
)
def test_the_agent_is_asked_a_new_question(ask, outcome: Outcome, said: str) -> None:
    """An agent that takes no questions now is judged by what it tells everybody."""
    verdict = judge_asking(ask)
    assert verdict.outcome is outcome
    assert said in {f.check: f.detail for f in verdict.findings}["time"]


def test_a_list_that_is_older_than_the_log_is_fetched_once_more() -> None:
    """The agent's new key is published between our questions for the list and for the log."""
    both = append_signature(sign(EVIDENCE), NEW)
    first, second = public_of(KEY), public_of(NEW)
    lists = [AgentList((first,)), AgentList((second,), (first,), (rotate(KEY, NEW).decode(),))]
    releases = LittleReleases(RELEASE, MANIFEST, agents=(first, second))
    asked: list[AgentList] = []

    def enrolled() -> AgentList:
        asked.append(lists[min(len(asked), 1)])
        return asked[-1]

    verdict = check(ADDRESS, now=NOW, fetch=lambda *_: both, releases=releases, enrolled=enrolled)
    assert verdict.outcome == Outcome.GENUINE, verdict
    assert asked == lists
    asked.append(lists[1])
    check(ADDRESS, now=NOW, fetch=lambda *_: both, releases=releases, enrolled=enrolled)
    assert len(asked) == 4, "one that is as new as the log is asked for once"
