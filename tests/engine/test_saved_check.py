"""Real saved checks with a question of their own, judged again without a network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.core.appraisal.saved import write_saved
from provisioner.engine.context import Context
from provisioner.engine.saved_check import judge_saved
from provisioner.models.evidence import Evidence
from provisioner.models.verdict import Outcome, Verdict
from provisioner.settings import Settings
from tests.browser.saved_checks import HONEST, Place, begin_place, moment

NONCE, OTHER = "q" * 43, "r" * 43


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    return begin_place(tmp_path_factory.mktemp("publisher") / "p")


def judge(place: Place, folder: Path, evidence: Evidence, nonce: str) -> Verdict:
    file = folder / "saved.json"
    file.write_bytes(write_saved(place.saved(evidence, nonce=nonce)))
    return judge_saved(Context(Settings(state=folder)), file, place.publisher.shipped_root)


def time_of(verdict: Verdict) -> str:
    return next(each.detail for each in verdict.findings if each.check == "time")


def test_the_answer_to_the_saved_question_counts(place, tmp_path):
    verdict = judge(place, tmp_path, replace(HONEST, nonce=NONCE), NONCE)
    assert verdict.outcome is Outcome.GENUINE
    assert time_of(verdict) == "The report was made 1 minute ago. It answers our own question."


@pytest.mark.parametrize("answered", ["", OTHER, NONCE[:-1], NONCE + "q"])
def test_another_report_is_no_answer_to_the_saved_question(place, tmp_path, answered):
    verdict = judge(place, tmp_path, replace(HONEST, nonce=answered), NONCE)
    assert verdict.outcome is Outcome.REPLAY
    assert time_of(verdict) == "The report answers another question than ours."


@pytest.mark.parametrize("answered", ["", OTHER])
def test_without_a_question_any_report_is_taken_and_that_is_said(place, tmp_path, answered):
    verdict = judge(place, tmp_path, replace(HONEST, nonce=answered), "")
    assert verdict.outcome is Outcome.GENUINE
    assert time_of(verdict) == "The report was made 1 minute ago. It answers no question of ours."


def test_an_answer_that_had_run_out_when_it_came_means_two_clocks(place, tmp_path):
    late = replace(HONEST, nonce=NONCE, issued=moment(-9), expires=moment(-5))
    verdict = judge(place, tmp_path, late, NONCE)
    assert verdict.outcome is Outcome.CLOCK_SKEW
    assert "9 minutes apart" in time_of(verdict)
