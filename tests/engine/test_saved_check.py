"""Real saved checks with a question of their own, judged again without a network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.core.appraisal.saved import read_saved, write_saved
from provisioner.engine.checks.check import CHALLENGE_PATH
from provisioner.engine.checks.check_anywhere import UNANSWERED
from provisioner.engine.checks.saved_check import judge_saved, open_saved
from provisioner.engine.context import Context
from provisioner.errors import NothingToSave
from provisioner.models.evidence import Evidence
from provisioner.models.verdict import Outcome, Verdict
from provisioner.settings import Settings
from tests.browser.saved_checks import HONEST, Place, begin_place, moment
from tests.engine.desk import Desk, detail_of, open_desk

NONCE, OTHER = "q" * 43, "r" * 43


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    return begin_place(tmp_path_factory.mktemp("publisher") / "p")


@pytest.fixture
def desk(place, tmp_path, monkeypatch) -> Iterator[Desk]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with open_desk(place, tmp_path) as desk:
        yield desk


def judge(place: Place, folder: Path, evidence: Evidence, nonce: str) -> Verdict:
    file = folder / "saved.json"
    file.write_bytes(write_saved(place.saved(evidence, nonce=nonce)))
    return judge_saved(
        Context(Settings(state=folder)), open_saved(file).saved, place.publisher.shipped_root
    )


def time_of(verdict: Verdict) -> str:
    return detail_of(verdict, "time")


def test_what_is_saved_is_the_answer_to_a_question_of_its_own(desk, tmp_path):
    """The agent is asked once, and what is saved is what is judged."""
    file, said = tmp_path / "saved.json", []
    verdict = desk.check(save=file, say=said.append)
    assert verdict.outcome is Outcome.GENUINE
    assert time_of(verdict) == "The report was made just now. It answers our own question."
    asked = [r for r in desk.site.asked if r.path == CHALLENGE_PATH]
    saved = read_saved(file.read_bytes())
    assert [json.loads(r.body)["nonce"] for r in asked] == [saved.nonce]
    assert len(saved.nonce) == 43
    assert said == []
    again = judge_saved(desk.context, open_saved(file).saved, desk.root)
    assert again.outcome is Outcome.GENUINE
    assert "the question that was saved with it" in time_of(again)


def test_two_saved_checks_have_two_questions(desk, tmp_path):
    for name in ("one", "two"):
        desk.check(save=tmp_path / name)
    one, two = (read_saved((tmp_path / name).read_bytes()) for name in ("one", "two"))
    assert one.nonce != two.nonce
    file = tmp_path / "mixed"
    file.write_bytes(write_saved(replace(one, nonce=two.nonce)))
    assert judge_saved(desk.context, open_saved(file).saved, desk.root).outcome is Outcome.REPLAY


def test_an_address_that_answers_no_question_is_told_of(desk, tmp_path):
    desk.asks = False
    file, said = tmp_path / "saved.json", []
    verdict = desk.check(save=file, say=said.append)
    assert said == [UNANSWERED]
    assert "It answers no question of ours." in time_of(verdict)
    assert read_saved(file.read_bytes()).nonce == ""
    again = judge_saved(desk.context, open_saved(file).saved, desk.root)
    assert again.outcome is Outcome.GENUINE
    assert "No question was saved with it" in time_of(again)


def test_every_byte_is_read_anew_for_a_saved_check_that_asks_for_it(desk, tmp_path):
    desk.check(save=tmp_path / "saved.json", is_full=True)
    asked = [json.loads(r.body) for r in desk.site.asked if r.path == CHALLENGE_PATH]
    assert [each["full"] for each in asked] == [True]


@pytest.mark.parametrize("address", ["", "a..b"])
def test_nothing_is_saved_of_what_is_no_address(desk, tmp_path, address):
    desk.address = address
    with pytest.raises(NothingToSave):
        desk.check(save=tmp_path / "saved.json")
    assert not (tmp_path / "saved.json").exists()


def test_the_answer_to_the_saved_question_counts(place, tmp_path):
    verdict = judge(place, tmp_path, replace(HONEST, nonce=NONCE), NONCE)
    assert verdict.outcome is Outcome.GENUINE
    assert time_of(verdict).endswith(
        "It answers the question that was saved with it, which shows its age to who asked."
    )


@pytest.mark.parametrize("answered", ["", OTHER, NONCE[:-1], NONCE + "q"])
def test_another_report_is_no_answer_to_the_saved_question(place, tmp_path, answered):
    verdict = judge(place, tmp_path, replace(HONEST, nonce=answered), NONCE)
    assert verdict.outcome is Outcome.REPLAY
    assert "another question than the one that was saved with it" in time_of(verdict)


@pytest.mark.parametrize("answered", ["", OTHER])
def test_without_a_question_any_report_is_taken_and_that_is_said(place, tmp_path, answered):
    verdict = judge(place, tmp_path, replace(HONEST, nonce=answered), "")
    assert verdict.outcome is Outcome.GENUINE
    assert "No question was saved with it" in time_of(verdict)


def test_an_answer_that_had_run_out_when_it_came_means_two_clocks(place, tmp_path):
    late = replace(HONEST, nonce=NONCE, issued=moment(-9), expires=moment(-5))
    verdict = judge(place, tmp_path, late, NONCE)
    assert verdict.outcome is Outcome.CLOCK_SKEW
    assert "9 minutes apart" in time_of(verdict)
