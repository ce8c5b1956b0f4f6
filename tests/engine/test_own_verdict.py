"""The control plane's own verdict: kept, found again, and asked for anew in time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from provisioner.engine.machine.own_verdict import (
    PATIENCE,
    RECHECK_AFTER,
    await_own_verdict,
    find_own_verdict,
    record_own_verdict,
    watch_control_plane,
)
from provisioner.engine.machine.status import read_status
from provisioner.models.verdict import Finding, Outcome, Verdict
from tests.fakes import make_context


@pytest.fixture
def context(tmp_path):
    return make_context(tmp_path)


@pytest.fixture
def judged(monkeypatch):
    """Set `judged["outcomes"]`, the last of which stays; `judged["asked"]` lists what was asked."""
    state = {"outcomes": [Outcome.GENUINE], "asked": []}

    def judge(_, address):
        state["asked"].append(address)
        left = state["outcomes"]
        outcome = left.pop(0) if len(left) > 1 else left[0]
        return Verdict(outcome, (Finding("files", outcome, "so it is"),))

    monkeypatch.setattr("provisioner.engine.machine.own_verdict.check_community", judge)
    return state


def test_it_is_kept_and_found_again(context, judged):
    assert find_own_verdict(context) is None
    record_own_verdict(context)
    found = find_own_verdict(context)
    assert (found.outcome, found.checked_at) == (Outcome.GENUINE, context.clock.now())
    assert judged["asked"] == ["localhost:8080"]


@pytest.mark.parametrize(
    "kept", [b"", b"{", b"[]", b"null", b'{"verdict": {"outcome": "FINE"}}', b"{}", b"\xff"]
)
def test_a_file_that_is_broken_is_no_verdict(context, kept):
    context.settings.db_dir.mkdir(exist_ok=True)
    context.settings.own_verdict_file.write_bytes(kept)
    assert find_own_verdict(context) is None


def test_a_good_one_is_good_for_a_while(context, judged):
    watch_control_plane(context)
    watch_control_plane(context)
    assert len(judged["asked"]) == 1
    context.clock.moment += RECHECK_AFTER + timedelta(seconds=1)
    watch_control_plane(context)
    assert len(judged["asked"]) == 2


def test_one_that_is_not_good_is_asked_for_at_every_round(context, judged):
    judged["outcomes"] = [Outcome.MODIFIED]
    watch_control_plane(context)
    watch_control_plane(context)
    assert len(judged["asked"]) == 2


def test_what_was_just_started_is_given_time(context, judged):
    judged["outcomes"] = [Outcome.UNVERIFIABLE, Outcome.UNVERIFIABLE, Outcome.GENUINE]
    assert await_own_verdict(context).outcome is Outcome.GENUINE
    assert len(judged["asked"]) == 3


def test_but_not_for_ever(context, judged):
    judged["outcomes"] = [Outcome.MODIFIED]
    assert await_own_verdict(context).outcome is Outcome.MODIFIED
    assert context.clock.slept <= PATIENCE + 1
    assert find_own_verdict(context).outcome == Outcome.MODIFIED


def test_the_status_tells_it(context, judged):
    before = read_status(context).as_json()
    assert (before["verdict"], before["checked_at"]) == ("", "")
    record_own_verdict(context)
    after = read_status(context)
    assert after.as_json()["verdict"] == "GENUINE"
    assert after.as_json()["checked_at"] == context.clock.now().isoformat()
    assert "this control plane: GENUINE" in after.as_text()


def test_without_a_front_door_it_says_that_it_does_not_know(context):
    context.gateway.is_away = True
    assert record_own_verdict(context).outcome is not Outcome.GENUINE
