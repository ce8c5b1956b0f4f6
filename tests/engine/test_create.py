"""Creating and removing, on fakes that obey the real contracts and on a real database."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from provisioner.core.promises import plan_promises
from provisioner.engine import operations
from provisioner.engine.courses import COURSES
from provisioner.engine.create import request_community
from provisioner.engine.create_steps import CREATE_STEPS
from provisioner.engine.keys import get_keys, sha256_of
from provisioner.engine.lease import Lease
from provisioner.engine.machine.resume import resume_communities
from provisioner.engine.operations import run_operation, run_stranded
from provisioner.engine.progress import get_progress
from provisioner.engine.remove import request_removal
from provisioner.engine.work import Work
from provisioner.errors import (
    Conflict,
    NameRefused,
    NotEnoughRoom,
    NotFound,
    ReleaseExpired,
    SaidBadly,
)
from provisioner.models.community import CommunityState
from provisioner.models.operation import OperationState, StepState
from provisioner.models.promise import Connections, Preset
from provisioner.models.verdict import Finding, Outcome, Verdict
from provisioner.store.holding import Hold, LeaseLost
from tests.core.own_release import make_own_release
from tests.fakes import FakeReleases, make_context

GENUINE = Verdict(Outcome.GENUINE, (Finding("files", Outcome.GENUINE, "as published"),))


@pytest.fixture
def context(tmp_path, monkeypatch):
    monkeypatch.setattr("provisioner.engine.checks.attest.check_community", lambda *_: GENUINE)
    return make_context(tmp_path)


def ask(context, name="The Smith Family", **changes):
    values = {
        "preset": Preset.FAMILY,
        "promises": plan_promises(Preset.FAMILY),
        "founder": "Ann",
        "requested_by": "test",
    }
    return request_community(context, name=name, **{**values, **changes})


def test_a_community_runs_with_everything_the_plan_names(context):
    community, operation = ask(context)
    assert run_operation(context, operation.id)
    community = context.store.get_community(community.id)
    assert community.state == CommunityState.RUNNING
    assert community.verdict == "GENUINE"
    assert community.version == "1.0.0"
    (service,) = context.engine.services.values()
    assert "smith-family" in service.name
    assert service.image.startswith("127.0.0.1:5000/taarafo/taarafo@sha256:")
    assert service.read_only
    assert service.capabilities == ()
    assert context.engine.networks == {service.name: True}, "no connections: no route out"
    assert context.engine.jobs == {}, "one-shot jobs are tidied away"
    assert not any("owner" in name for name in context.engine.secrets)
    assert b'name = "The Smith Family"' in next(iter(context.engine.configs.values()))


def test_a_promise_of_connections_opens_the_network(context):
    promises = plan_promises(Preset.CLUB).model_copy(update={"connections": Connections.APPROVED})
    _, operation = ask(context, promises=promises)
    run_operation(context, operation.id)
    assert list(context.engine.networks.values()) == [False]


def test_tokens_reach_the_app_as_digests_and_the_database_sealed(context, tmp_path):
    seen = {}
    keep = context.engine.ensure_secret
    context.engine.ensure_secret = lambda name, value, labels: (
        seen.update({name: value}),
        keep(name, value, labels),
    )
    community, operation = ask(context)
    run_operation(context, operation.id)
    keys = get_keys(context, context.store.get_community(community.id))
    token = keys.signin_url.rpartition("/")[2]
    owner = json.loads(next(v for n, v in seen.items() if n.endswith("-owner")))
    assert owner["signin_sha256"] == sha256_of(token)
    assert owner["name"] == "Ann"
    context.store.close()
    database = b"".join(p.read_bytes() for p in tmp_path.glob("test.sqlite3*"))
    assert token.encode() not in database
    assert keys.console_token.encode() not in database


def test_a_name_taken_or_alike_is_refused_with_an_alternative(context):
    ask(context, label="smith")
    for alike in ("smith", "sm1th", "srnith"):
        with pytest.raises(NameRefused) as refused:
            ask(context, label=alike)
        assert refused.value.suggestion
    community, _ = ask(context)  # same name, own address
    assert community.label == "smith-family"
    again, _ = ask(context)
    assert again.label != community.label


def test_the_same_key_makes_one_community(context):
    first = ask(context, idempotency_key="k1")
    second = ask(context, idempotency_key="k1")
    assert first[0].id == second[0].id
    assert first[1].id == second[1].id
    assert context.store.list_communities().total == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "😀"}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "abc\u202edef"}, "name"),
        ({"founder": ""}, "founder"),
        ({"email": "ann@"}, "email"),
    ],
)
def test_a_slip_names_its_field_and_records_nothing(context, changes, field):
    with pytest.raises(SaidBadly) as refused:
        ask(context, **changes)
    assert refused.value.field == field
    assert context.store.list_communities().total == 0


def test_a_full_disk_is_refused_before_it_starts(context):
    context.room.free = 10
    with pytest.raises(NotEnoughRoom):
        ask(context)
    assert context.store.list_operations() == []


def nothing_is_left(context):
    engine = context.engine
    return not (
        engine.services or engine.networks or engine.secrets or engine.configs or engine.jobs
    )


@pytest.mark.parametrize("job", ["-prepare", "-owner"])
def test_a_job_that_fails_undoes_everything_and_frees_the_name(context, job):
    context.engine.failing_jobs = {job}
    community, operation = ask(context)
    run_operation(context, operation.id)
    operation = context.store.get_operation(operation.id)
    assert operation.state == OperationState.FAILED
    assert "put back" in operation.message
    assert nothing_is_left(context)
    assert not context.store.is_taken(community.label)
    assert context.store.get_community(community.id).state == CommunityState.FAILED


def test_metadata_that_expired_deploys_nothing_and_says_why(context):
    context.releases.error = ReleaseExpired(reason="signed two days ago")
    _, operation = ask(context)
    run_operation(context, operation.id)
    operation = context.store.get_operation(operation.id)
    assert operation.error_code == "release-expired"
    assert "signed two days ago" in operation.message
    assert nothing_is_left(context)


def test_an_edge_that_is_away_is_waited_for(context):
    context.gateway.is_away = True
    states = []
    sleep = context.clock.sleep

    def wait(seconds):
        sleep(seconds)
        states.append(context.store.list_operations()[0])
        context.gateway.is_away = context.clock.slept < 10

    context.clock.sleep = wait
    community, operation = ask(context)
    run_operation(context, operation.id)
    waiting = [o for o in states if o.state == OperationState.WAITING]
    assert waiting[-1].message == "We are waiting for the front door."
    assert context.store.get_community(community.id).state == CommunityState.RUNNING


def test_one_that_never_answers_is_undone_with_a_sentence(context):
    context.gateway.status = 502
    _, operation = ask(context)
    run_operation(context, operation.id)
    operation = context.store.get_operation(operation.id)
    assert operation.error_code == "took-too-long"
    assert "120 seconds" in operation.message
    assert nothing_is_left(context)


def test_a_check_that_never_comes_does_not_close_an_open_community(context, monkeypatch):
    nothing = Verdict(Outcome.UNVERIFIABLE, ())
    monkeypatch.setattr("provisioner.engine.checks.attest.check_community", lambda *_: nothing)
    community, operation = ask(context)
    run_operation(context, operation.id)
    assert context.store.get_operation(operation.id).state == OperationState.DONE
    assert context.store.get_community(community.id).state == CommunityState.RUNNING
    step = context.store.list_steps(operation.id)[-1]
    assert (step.name, step.state) == ("attest", StepState.FAILED)


def test_an_undo_that_cannot_finish_is_continued_later(context):
    context.gateway.status = 502
    remove = context.engine.remove_network
    context.engine.remove_network = lambda name: (_ for _ in ()).throw(
        operations.TookTooLong(what="x", seconds=1)
    )
    _, operation = ask(context)
    run_operation(context, operation.id)
    assert context.store.get_operation(operation.id).state == OperationState.UNDOING
    context.engine.remove_network = remove
    assert operations.run_stranded(context) == 1
    operation = context.store.get_operation(operation.id)
    assert operation.state == OperationState.FAILED
    assert operation.error_code == "took-too-long"
    assert nothing_is_left(context)


class Killed(BaseException):
    """What a SIGKILL looks like from inside: nothing after it runs."""


@pytest.mark.parametrize("step", [plan.name for plan in CREATE_STEPS])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_worker_killed_at_any_step_is_continued(context, monkeypatch, step, moment):
    def kill(work, plan):
        if moment == "after":
            plan.effect(work)
        raise Killed

    plans = tuple(
        type(p)(p.name, lambda work, p=p: kill(work, p)) if p.name == step else p
        for p in CREATE_STEPS
    )
    community, operation = ask(context)
    monkeypatch.setitem(COURSES, "create", replace(COURSES["create"], steps=plans))
    with pytest.raises(Killed):
        run_operation(context, operation.id)
    monkeypatch.setitem(COURSES, "create", replace(COURSES["create"], steps=CREATE_STEPS))
    assert operations.run_stranded(context) == 0, "its lease still stands"
    context.clock.sleep(context.settings.lease_seconds + 1)
    assert operations.run_stranded(context) == 1
    assert context.store.get_operation(operation.id).state == OperationState.DONE
    assert context.store.get_community(community.id).state == CommunityState.RUNNING
    assert len(context.engine.services) == 1


def test_removal_needs_its_address_typed_and_leaves_nothing(context):
    community, operation = ask(context)
    run_operation(context, operation.id)
    community = context.store.get_community(community.id)
    with pytest.raises(SaidBadly):
        request_removal(
            context, community, typed="yes", even_without_backup=True, requested_by="test"
        )
    removal = request_removal(
        context, community, typed=community.label, even_without_backup=True, requested_by="test"
    )
    with pytest.raises(Conflict):
        request_removal(
            context, community, typed=community.label, even_without_backup=True, requested_by="test"
        )
    run_operation(context, removal.id)
    gone = context.store.get_community(community.id)
    assert gone.state == CommunityState.REMOVED
    assert (gone.founder, gone.email, gone.sealed_secrets) == ("", "", b"")
    assert nothing_is_left(context)
    with pytest.raises(NotFound):
        request_removal(
            context, gone, typed=community.label, even_without_backup=True, requested_by="test"
        )
    again, _ = ask(context)
    assert again.label == community.label, "the name is free again"


def test_a_failed_removal_can_be_repeated(context):
    community, operation = ask(context)
    run_operation(context, operation.id)
    community = context.store.get_community(community.id)
    context.engine.failing_jobs = {"-erase"}
    removal = request_removal(
        context, community, typed=community.label, even_without_backup=True, requested_by="test"
    )
    run_operation(context, removal.id)
    assert context.store.get_operation(removal.id).state == OperationState.FAILED
    context.engine.failing_jobs = set()
    community = context.store.get_community(community.id)
    removal = request_removal(
        context, community, typed=community.label, even_without_backup=True, requested_by="test"
    )
    run_operation(context, removal.id)
    assert context.store.get_community(community.id).state == CommunityState.REMOVED


def test_an_undoing_whose_job_failed_is_finished_by_the_next_sweep(context):
    """As when the engine was stopped in the middle of it."""
    context.gateway.status = 502
    context.engine.failing_jobs = {"-erase"}
    community, operation = ask(context)
    run_operation(context, operation.id)
    assert context.store.get_operation(operation.id).state == OperationState.UNDOING
    context.engine.failing_jobs = set()
    assert run_stranded(context) == 1
    assert context.store.get_operation(operation.id).state == OperationState.FAILED
    assert context.store.get_community(community.id).reserved is None


def test_what_is_being_changed_is_not_started_beside_that(context):
    community, operation = ask(context)
    run_operation(context, operation.id)
    context.engine.services.clear()
    context.engine.jobs.clear()
    living = context.store.get_community(community.id)
    removal = request_removal(
        context, living, typed=community.label, even_without_backup=True, requested_by="test"
    )
    context.store.change_community(community.id, state=CommunityState.RUNNING)
    assert resume_communities(context) == []
    assert context.engine.services == {}
    run_operation(context, removal.id)
    assert context.store.get_community(community.id).state == CommunityState.REMOVED


def test_a_lease_that_cannot_be_extended_is_lost(context, monkeypatch):
    """Whatever the reason: another worker will have it soon."""

    def fail(*_: object) -> bool:
        raise RuntimeError

    _, operation = ask(context)
    context.settings.lease_seconds = 0.15
    monkeypatch.setattr(context.store, "extend_lease", fail)
    lease = Lease(context, operation.id, "one")
    assert lease.take()
    with lease:
        ends, is_lost = time.monotonic() + 5, False
        while not is_lost and time.monotonic() < ends:
            is_lost = _is_lost(lease)
    assert is_lost


def _is_lost(lease: Lease) -> bool:
    time.sleep(0.01)
    try:
        lease.check()
    except LeaseLost:
        return True
    return False


def test_who_lost_the_lease_writes_nothing_more(context):
    """It may have been asleep for long: then another worker has gone on."""
    community, operation = ask(context)
    assert context.store.lease(operation.id, "slow", context.clock.now(), 1.0)
    (step,) = context.store.plan_steps(operation.id, ["check_room"])
    context.clock.sleep(2)
    assert context.store.lease(operation.id, "quick", context.clock.now(), 1.0)
    slow, quick = (Hold(operation.id, name) for name in ("slow", "quick"))
    now = context.clock.now()
    work = Work(context, operation, community, log=print, hold=slow)
    for write in (
        lambda: context.store.record_step(step, StepState.DONE, now, hold=slow),
        lambda: work.change(version="6.6.6"),
        lambda: work.rename("other", "other.localhost"),
        lambda: work.note({"release": "other"}),
    ):
        with pytest.raises(LeaseLost):
            write()
    row = context.store.get_community(community.id)
    assert (row.version, row.label) == (community.version, community.label)
    assert context.store.list_steps(operation.id)[0].state == StepState.PENDING
    assert context.store.get_operation(operation.id).asked == {}
    Work(context, operation, community, log=print, hold=quick).change(version="1.0.0")
    assert context.store.get_community(community.id).version == "1.0.0"


def test_progress_reaches_a_hundred_only_when_it_is_ready(context):
    context.gateway.status = 502
    _, operation = ask(context)
    assert get_progress(context, operation.id).percent == 0
    run_operation(context, operation.id)
    failed = get_progress(context, operation.id)
    assert failed.is_over
    assert not failed.is_ready
    assert failed.percent < 100
    context.gateway.status = 200
    _, operation = ask(context)
    run_operation(context, operation.id)
    ready = get_progress(context, operation.id)
    assert (ready.is_ready, ready.percent) == (True, 100)


def test_the_control_plane_is_no_app_for_a_community(context):
    context.releases = FakeReleases(make_own_release())
    community, operation = ask(context, app="control")
    run_operation(context, operation.id)
    assert context.store.get_operation(operation.id).state == OperationState.FAILED
    assert context.store.get_community(community.id).state == CommunityState.FAILED
    assert context.engine.services == {}
