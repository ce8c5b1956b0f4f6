"""A check asks every host of a community, below the community's own address, and saves them all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from provisioner.core.appraisal.agents import AgentList, row_of, write_agent_list
from provisioner.core.appraisal.saved import read_saved, write_saved
from provisioner.core.log_entries import entry_of_agent
from provisioner.engine.checks.check import (
    AGENTS_PATH,
    CHALLENGE_PATH,
    EVIDENCE_PATH,
    check,
    path_of,
)
from provisioner.engine.checks.saved_check import judge_saved, open_saved, save_check
from provisioner.engine.context import Context
from provisioner.errors import Unavailable
from provisioner.models.evidence import Evidence
from provisioner.models.saved_check import ReleaseCopy
from provisioner.models.verdict import Outcome, Verdict
from provisioner.settings import Settings
from tests.browser.saved_checks import HONEST, Place, begin_place
from tests.core.test_appraisal import ADDRESS, MANIFEST, NOW, RELEASE, sign
from tests.core.test_appraisal_dsse import KEY, OTHER
from tests.core.test_several import AGENTS, HOSTS, TAMPERED, report
from tests.live.little_release import LittleReleases
from tests.publishing.place import NOW as PUBLISHED

SIGNERS = {"h1": KEY, "h2": OTHER}
LISTED = write_agent_list(AgentList(tuple(AGENTS)))


def serve(*reports: Evidence) -> dict[str, bytes]:
    """What the edge of the first report's host serves."""
    first = sign(reports[0], SIGNERS[reports[0].host])
    files = {path_of(each.host): sign(each, SIGNERS[each.host]) for each in reports}
    return files | {EVIDENCE_PATH: first, AGENTS_PATH: LISTED}


class Edge:
    """Serves files, and has each host's agent answer; agents that are `away` do not."""

    def __init__(self, files: dict[str, bytes], away: tuple[str, ...] = ()) -> None:
        self.files, self.away = files, away
        self.nonces: dict[str, str] = {}

    def fetch(self, address: str, path: str) -> bytes | None:
        return self.files.get(path)

    def ask(self, address: str, path: str, body: bytes) -> bytes | None:
        host = path.removeprefix(CHALLENGE_PATH).strip("/") or "h1"
        if host in self.away:
            raise Unavailable(part="it")
        self.nonces[host] = json.loads(body)["nonce"]
        return sign(report(host, nonce=self.nonces[host]), SIGNERS[host])

    def check(self, *, is_asked: bool = False) -> Verdict:
        return check(
            ADDRESS,
            now=NOW,
            fetch=self.fetch,
            releases=LittleReleases(RELEASE, MANIFEST, agents=AGENTS),
            enrolled=lambda: AgentList(tuple(AGENTS)),
            ask=self.ask if is_asked else None,
        )


def told(verdict: Verdict) -> str:
    return " ".join(each.detail for each in verdict.findings if each.outcome != Outcome.GENUINE)


def test_both_hosts_are_fetched() -> None:
    assert Edge(serve(report("h1"), report("h2"))).check().outcome == Outcome.GENUINE
    assert Edge(serve(report("h2"), report("h1"))).check().outcome == Outcome.GENUINE
    changed = Edge(serve(report("h1"), report("h2", containers=(TAMPERED,)))).check()
    assert changed.outcome == Outcome.MODIFIED
    assert told(changed).startswith("Host h2: ")


def test_each_host_is_asked_a_question_of_its_own() -> None:
    edge = Edge({})
    assert edge.check(is_asked=True).outcome == Outcome.GENUINE
    assert len(set(edge.nonces.values())) == len(HOSTS)


@pytest.mark.parametrize("away", [("h2",), HOSTS])
def test_a_host_that_takes_no_question_is_judged_by_what_it_tells_everybody(away) -> None:
    verdict = Edge(serve(report("h1"), report("h2")), away).check(is_asked=True)
    assert verdict.outcome == Outcome.GENUINE
    assert "Host h2: The report was made 1 minute ago. It answers no question of ours." in {
        each.detail for each in verdict.findings
    }


def test_a_host_that_is_left_out_is_named() -> None:
    files = {EVIDENCE_PATH: sign(report("h1"))}
    for verdict in (Edge(files).check(), Edge(files, ("h2",)).check(is_asked=True)):
        assert verdict.outcome == Outcome.UNVERIFIABLE
        assert told(verdict) == "There is no report of h2, where this community runs too."


def test_a_host_that_nobody_named_is_found_because_its_agent_is_enrolled() -> None:
    first, second = (replace(report(host), hosts=("h1",)) for host in HOSTS)
    assert "runs on h2 too" in told(Edge(serve(first, second)).check())
    assert Edge(serve(first)).check().outcome == Outcome.GENUINE


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    place = begin_place(tmp_path_factory.mktemp("publisher") / "p")
    place.tell(entry_of_agent("h2", row_of(AGENTS[1])))
    return place


@dataclass(frozen=True)
class Copies:
    """The one copy that a publisher of saved checks has."""

    place: Place

    @contextmanager
    def open(self) -> Iterator[Copies]:
        yield self

    def copy(self, target: str) -> ReleaseCopy:
        return self.place.copy()


def save_and_judge(place: Place, folder: Path, *reports: Evidence) -> tuple[Path, Verdict]:
    file, fetch = folder / "saved.json", Edge(serve(*reports)).fetch
    kept = save_check(
        ADDRESS,
        "localhost",
        now=PUBLISHED,
        fetch=fetch,
        ask=lambda *_: None,
        is_full=False,
        releases=Copies(place),
        to=file,
    )
    assert open_saved(file) == kept
    return file, judge_saved(
        Context(Settings(state=folder)), kept.saved, place.publisher.shipped_root
    )


def of(host: str, **changes: object) -> Evidence:
    return replace(HONEST, host=host, hosts=HOSTS, **changes)


def test_a_saved_check_holds_all_hosts(place, tmp_path) -> None:
    file, verdict = save_and_judge(place, tmp_path, of("h1"), of("h2"))
    assert verdict.outcome == Outcome.GENUINE
    assert "2 hosts of this community reported" in str(verdict.findings)
    saved = read_saved(file.read_bytes())
    assert [each.host for each in saved.others] == ["h2"]
    file.write_bytes(write_saved(replace(saved, others=())))
    context = Context(Settings(state=tmp_path))
    without = judge_saved(context, open_saved(file).saved, place.publisher.shipped_root)
    assert without.outcome == Outcome.UNVERIFIABLE


def test_a_saved_check_of_a_changed_host_says_so(place, tmp_path) -> None:
    _, verdict = save_and_judge(place, tmp_path, of("h1"), of("h2", containers=(TAMPERED,)))
    assert verdict.outcome == Outcome.MODIFIED
    assert told(verdict).startswith("Host h2: ")


def test_a_file_from_before_there_were_several_hosts_is_read(place, tmp_path) -> None:
    saved = json.loads(write_saved(place.saved()))
    del saved["others"]
    assert read_saved(json.dumps(saved).encode()).others == ()
