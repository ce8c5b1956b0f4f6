"""After `down`, or a lost service: every community that should run is started, or named."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from unittest.mock import Mock

import pytest

from provisioner.core.place import TWIN, service_of
from provisioner.core.promises import plan_promises
from provisioner.engine.create import request_community
from provisioner.engine.machine import up
from provisioner.engine.machine.resume import PATIENCE, resume_communities
from provisioner.engine.operations import run_operation
from provisioner.models.community import Community, CommunityState
from provisioner.models.promise import Preset
from provisioner.models.verdict import Finding, Outcome, Verdict
from tests.fakes import FakeContext, make_context

GENUINE = Verdict(Outcome.GENUINE, (Finding("files", Outcome.GENUINE, "as published"),))
# Everything that `up` does besides the communities and the operator's link.
ELSE = (
    "_refuse_taken_ports",
    "prepare_host",
    "ensure_keys",
    "_make_ready",
    "converge",
    "close_way_out",
    "ensure_published",
    "enrol_agents",
)


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeContext:
    """Two communities, `oak` and `elm`, that ran here until all services were lost."""
    monkeypatch.setattr("provisioner.engine.checks.attest.check_community", lambda *_: GENUINE)
    context = make_context(tmp_path)
    for name in ("Oak", "Elm"):
        operation = request_community(
            context,
            name=name,
            preset=Preset.FAMILY,
            promises=plan_promises(Preset.FAMILY),
            founder="Ann",
            requested_by="test",
        )[1]
        run_operation(context, operation.id)
    context.engine.services.clear()
    return context


def find(context: FakeContext, label: str) -> Community:
    rows = context.store.list_communities(state=CommunityState.RUNNING).rows
    return next(each for each in rows if each.label == label)


def prepare_of(context: FakeContext, label: str) -> str:
    """The name of the job that makes the folders of that community."""
    resume_communities(context)
    (name,) = (each for each in context.engine.services if label in each)
    context.engine.services.clear()
    return f"{name}-prepare"


def running(context: FakeContext) -> set[str]:
    return {label for label in ("oak", "elm") for name in context.engine.services if label in name}


def test_a_failed_job_keeps_back_its_own_community_and_the_next_time_starts_it(
    context: FakeContext,
) -> None:
    job = prepare_of(context, "oak")
    context.engine.failing_jobs = {job}
    assert resume_communities(context) == [find(context, "oak").address]
    assert running(context) == {"elm"}
    assert job not in context.engine.jobs, "what failed is taken away, or it would fail for good"
    context.engine.failing_jobs = set()
    assert resume_communities(context) == []
    assert running(context) == {"oak", "elm"}
    assert context.engine.jobs == {}


def test_one_that_runs_as_the_twin_is_started_as_that_and_only_once(context: FakeContext) -> None:
    oak = find(context, "oak")
    context.store.change_community(oak.id, runs_as=TWIN)
    for _ in range(2):
        assert resume_communities(context) == []
        (name,) = (each for each in context.engine.services if "oak" in each)
        assert name == service_of(find(context, "oak"), context.settings.stack)
        assert name.endswith("-twin")


def test_a_job_that_failed_before_is_started_anew(context: FakeContext) -> None:
    """As one does that the engine's own end has cut off: the next time finds what is left of it."""
    job = prepare_of(context, "oak")
    resume_communities(context)
    context.engine.jobs[job] = context.engine.services[job.removesuffix("-prepare")]
    context.engine.services.clear()
    context.engine.failed.add(job)
    assert resume_communities(context) == [find(context, "oak").address]
    assert resume_communities(context) == []
    assert running(context) == {"oak", "elm"}


def test_a_job_that_lasts_is_waited_for_and_then_left_to_go_on(context: FakeContext) -> None:
    job, begun = prepare_of(context, "oak"), context.clock.slept
    context.engine.lasting_jobs = {job}
    assert resume_communities(context) == [find(context, "oak").address]
    assert context.clock.slept - begun == pytest.approx(PATIENCE, abs=0.1)
    assert running(context) == {"elm"}
    assert job in context.engine.jobs
    context.engine.lasting_jobs = set()
    assert resume_communities(context) == []
    assert context.engine.jobs == {}


def test_with_the_engine_away_all_are_named(context: FakeContext) -> None:
    context.engine.is_away = True
    addresses = {find(context, label).address for label in ("oak", "elm")}
    assert set(resume_communities(context)) == addresses


def test_up_names_in_words_and_in_its_report_what_did_not_start(
    context: FakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    context.engine.failing_jobs = {prepare_of(context, "oak")}
    address, said = find(context, "oak").address, []
    for name in ELSE:
        monkeypatch.setattr(up, name, lambda *_, **__: Mock())
    monkeypatch.setattr(up, "Context", lambda _: context)
    monkeypatch.setattr(up, "await_own_verdict", lambda _: GENUINE)
    report = up.bring_up(context.settings, said.append)
    assert report.not_started == (address,)
    assert asdict(report)["not_started"] == (address,)
    assert f"{address} did not start. Run ./taarafo up again; its data is where it was." in said
    assert report.verdict is Outcome.GENUINE, "of the control plane, which is whole"
    context.engine.failing_jobs = set()
    said.clear()
    assert up.bring_up(context.settings, said.append).not_started == ()
    assert not any("did not start" in sentence for sentence in said)
