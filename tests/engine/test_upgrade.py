"""Another version in place of the one that runs: it proves itself, or everything is put back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from provisioner.core.place import service_of
from provisioner.core.turn import BEGIN, READY, WAIT
from provisioner.engine.courses import COURSES
from provisioner.engine.operations import run_operation, run_stranded
from provisioner.engine.progress import get_progress
from provisioner.engine.upgrades.forget import forget_kept
from provisioner.engine.upgrades.swap_steps import SWAP_STEPS
from provisioner.engine.upgrades.undo_steps import UNDO_STEPS
from provisioner.engine.upgrades.upgrade import request_repeat, request_rollback, request_upgrade
from provisioner.errors import AppFailed, Conflict, SaidBadly, UpgradeRefused
from provisioner.models.community import CommunityState
from provisioner.models.operation import OperationState
from provisioner.node import snapshot
from provisioner.node.doors import find_open
from tests.engine.town import Town, make_version

SETTLED = [plan.name for plan in SWAP_STEPS].index("commit_version")
BEFORE = [plan.name for plan in SWAP_STEPS[: SETTLED + 1]]
AFTER = [plan.name for plan in SWAP_STEPS[SETTLED + 1 :] if plan.is_vital]


def migrate(notes):
    notes.write_text(notes.read_text().upper())
    return True


def spoil(notes):
    notes.write_text("half a mig")
    return False


@pytest.fixture
def town(tmp_path, request):
    """With a newer version, which is started beside the one that serves unless a test says no."""
    town = Town(tmp_path)
    town.context.releases.publish(
        make_version("1.0.1", takes_turns=getattr(request, "param", True))
    )
    town.migrations["1"] = migrate
    town.write("second. ")
    return town


either = pytest.mark.parametrize(
    "town", [True, None], ids=["takes-turns", "starts-late"], indirect=True
)


def ask(town, **said):
    return request_upgrade(town.context, town.now, requested_by="test", **said)


def carry(town, operation):
    run_operation(town.context, operation.id)
    return town.context.store.get_operation(operation.id)


def assert_new(town):
    assert (town.now.version, town.now.slot) == ("1.0.1", "b")
    assert town.visit() == "1.0.1"
    assert town.read() == "FIRST. SECOND. "
    assert_tidy(town)


def assert_old(town):
    assert (town.now.version, town.now.slot) == ("1.0.0", "a")
    assert town.visit() == "1.0.0"
    assert town.read() == "first. second. "
    assert not list((town.home / "snapshots").glob("*"))
    assert_tidy(town)


def assert_tidy(town):
    """One service with one config, and neither a job nor the attendant's secret."""
    engine = town.context.engine
    assert town.now.state == CommunityState.RUNNING
    assert list(engine.services) == [service_of(town.now, town.context.settings.stack)]
    assert not [path for path in town.door.rglob("*") if path.name in (WAIT, READY, BEGIN)]
    assert not [name for name in engine.jobs if not name.endswith("-prepare")]
    assert [name for name in engine.secrets if "app_key" not in name] == []
    assert len(engine.configs) == 1
    assert sorted(path.name for path in town.home.iterdir()) in (["data", "snapshots"], ["data"])


@either
def test_the_new_version_is_let_in_and_the_old_data_is_kept(town):
    operation = carry(town, ask(town))
    assert operation.state == OperationState.DONE, operation.message
    assert_new(town)
    kept = town.home / "snapshots" / operation.id / "notes.txt"
    assert kept.read_text() == "first. second. "
    assert town.now.before == "app/taarafo/stable/1.0.0/release.json"
    assert get_progress(town.context, operation.id).percent == 100


@either
def test_the_old_one_stops_before_the_new_one_serves_and_nobody_meets_an_unproved_one(town):
    """That two never serve at once, each look at the town makes sure."""
    town.context.engine.said.clear()
    newest = town.context.releases.release.recipe.app
    carry(town, ask(town))
    old, new = f"{town.name} × 0", f"{town.name}-twin × 1"
    order = [new, old] if newest.takes_turns else [old, new]
    assert list(dict.fromkeys(town.context.engine.said)) == order
    assert set(town.served) == {"1.0.0", "1.0.1"}
    town.served.clear()
    town.context.releases.publish(make_version("1.0.2"))
    town.break_app["1.0.2"] = {"/": 200}
    carry(town, ask(town))
    assert "1.0.2" not in town.served


@pytest.mark.parametrize("broken", [{"/": 200}, {"/.well-known/nodeinfo": 200}])
def test_a_version_that_breaks_a_promise_is_put_back_with_the_data(town, broken):
    town.break_app["1.0.1"] = broken
    operation = carry(town, ask(town))
    assert (operation.state, operation.error_code) == ("failed", "promise-broken")
    assert_old(town)


@either
def test_a_version_that_never_wakes_up_is_put_back_while_members_still_wait(town):
    town.break_app["1.0.1"] = {"/healthz": 500}
    began = town.context.clock.now()
    operation = carry(town, ask(town))
    assert (operation.state, operation.error_code) == ("failed", "took-too-long")
    assert town.context.clock.now() - began < timedelta(seconds=25)
    assert_old(town)


@either
def test_a_migration_that_crashes_half_way_is_undone(town):
    town.migrations["1"] = spoil
    operation = carry(town, ask(town))
    assert (operation.state, operation.error_code) == ("failed", "app-failed")
    assert_old(town)


def failing(steps, name, times):
    left = [times]

    def effect(work, plan):
        plan.effect(work)
        if left[0]:
            left[0] -= 1
            raise AppFailed("as the test wants it")

    return tuple(
        replace(p, effect=lambda work, p=p: effect(work, p)) if p.name == name else p for p in steps
    )


@either
@pytest.mark.parametrize("step", BEFORE[:-1])
def test_what_fails_at_any_step_before_it_is_settled_is_put_back(town, monkeypatch, step):
    course = COURSES["upgrade"]
    broken = replace(course, steps=failing(SWAP_STEPS, step, 1))
    monkeypatch.setitem(COURSES, "upgrade", broken)
    assert carry(town, ask(town)).state == OperationState.FAILED
    assert_old(town)


@pytest.mark.parametrize("step", ["commit_version", *AFTER])
def test_what_fails_once_it_is_settled_goes_forward_later(town, monkeypatch, step):
    broken = replace(COURSES["upgrade"], steps=failing(SWAP_STEPS, step, 1))
    monkeypatch.setitem(COURSES, "upgrade", broken)
    operation = carry(town, ask(town))
    assert operation.state == OperationState.WAITING
    assert run_stranded(town.context) == 1
    assert town.context.store.get_operation(operation.id).state == OperationState.DONE
    assert_new(town)


class Killed(BaseException):
    """What a SIGKILL looks like from inside: nothing after it runs."""


def doomed(steps, name, moment):
    def effect(work, plan):
        if moment == "after":
            plan.effect(work)
        raise Killed

    return tuple(
        replace(p, effect=lambda work, p=p: effect(work, p)) if p.name == name else p for p in steps
    )


def carry_killed(town, monkeypatch, operation, course):
    whole = COURSES["upgrade"]
    monkeypatch.setitem(COURSES, "upgrade", course)
    with pytest.raises(Killed):
        run_operation(town.context, operation.id)
    monkeypatch.setitem(COURSES, "upgrade", whole)
    town.context.clock.sleep(town.context.settings.lease_seconds + 1)
    assert run_stranded(town.context) == 1
    return town.context.store.get_operation(operation.id)


@pytest.mark.parametrize("step", [plan.name for plan in SWAP_STEPS if plan.is_vital])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_worker_killed_at_any_step_is_continued(town, monkeypatch, step, moment):
    course = replace(COURSES["upgrade"], steps=doomed(SWAP_STEPS, step, moment))
    operation = carry_killed(town, monkeypatch, ask(town), course)
    assert operation.state == OperationState.DONE
    assert_new(town)


@pytest.mark.parametrize("town", [None], ids=["starts-late"], indirect=True)
@pytest.mark.parametrize("step", ["start_twin", "migrate", "start_new", "await_new"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_worker_killed_where_the_new_one_starts_late_is_continued(
    town, monkeypatch, step, moment
):
    test_a_worker_killed_at_any_step_is_continued(town, monkeypatch, step, moment)


@pytest.mark.parametrize("step", [plan.name for plan in UNDO_STEPS])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_worker_killed_while_it_puts_back_is_continued(town, monkeypatch, step, moment):
    town.migrations["1"] = spoil
    course = replace(COURSES["upgrade"], undo=doomed(UNDO_STEPS, step, moment))
    operation = carry_killed(town, monkeypatch, ask(town), course)
    assert operation.state == OperationState.FAILED
    assert_old(town)


@pytest.mark.parametrize("step", [plan.name for plan in SWAP_STEPS if plan.is_vital])
def test_an_engine_that_is_away_in_the_middle_is_waited_for(town, monkeypatch, step):
    """Away before a step, for longer than any step waits; then it comes back."""
    engine = town.context.engine

    def effect(work, plan):
        engine.is_away = town.context.gateway.is_away = True
        plan.effect(work)

    steps = tuple(
        replace(plan, effect=lambda work, plan=plan: effect(work, plan))
        if plan.name == step
        else plan
        for plan in SWAP_STEPS
    )
    whole = COURSES["upgrade"]
    monkeypatch.setitem(COURSES, "upgrade", replace(whole, steps=steps))
    operation = carry(town, ask(town))
    monkeypatch.setitem(COURSES, "upgrade", whole)
    engine.is_away = town.context.gateway.is_away = False
    town.context.clock.sleep(town.context.settings.lease_seconds + 1)
    run_stranded(town.context)
    operation = town.context.store.get_operation(operation.id)
    if operation.state == OperationState.DONE:
        assert_new(town)
    else:
        assert operation.state == OperationState.FAILED
        assert_old(town)


def test_an_attendant_that_dies_is_called_anew(town):
    engine = town.context.engine
    post, died = town.context.gateway.post, []

    def post_once(host, path, body, headers, *, door=""):
        if path == "/snapshot" and not died:
            died.append(path)
            engine.remove_service(f"{town.name}-attendant")
        return post(host, path, body, headers, door=door)

    town.context.gateway.post = post_once
    assert carry(town, ask(town)).state == OperationState.DONE
    assert died
    assert_new(town)


def test_one_that_writes_after_it_was_stopped_stays_with_what_it_wrote(town, monkeypatch):
    copy = snapshot.copy_folder

    def copy_and_write(source, target, shared=()):
        copy(source, target, shared)
        town.write("third. ")

    monkeypatch.setattr(snapshot, "copy_folder", copy_and_write)
    operation = carry(town, ask(town))
    assert (operation.state, operation.error_code) == ("failed", "app-failed")
    assert town.read() == "first. second. third. "
    assert town.visit() == "1.0.0"
    assert_tidy(town)


@either
def test_data_are_put_back_only_when_nothing_is_about_to_start_again(town):
    """Swarm starts a crashed version again after a second, and a job that was removed, too."""
    takes_turns = town.context.releases.release.recipe.app.takes_turns
    name = f"{town.name}-twin" if takes_turns else f"{town.name}-migrate"
    town.migrations["1"] = spoil
    post, put_back = town.context.gateway.post, []

    def post_late(host, path, *rest, door=""):
        if path == "/put-back":
            put_back.append(name in engine.starting)
        return post(host, path, *rest, door=door)

    engine, pause, pauses = town.context.engine, town.context.clock.sleep, []

    def sleep(seconds):
        pauses.append(seconds)
        if len(pauses) == 5:
            engine.starting.discard(name)
        pause(seconds)

    town.context.gateway.post = post_late
    town.context.clock.sleep = sleep
    engine.starting.add(name)
    assert carry(town, ask(town)).error_code == "app-failed"
    assert put_back == [False]
    assert_old(town)


@pytest.mark.parametrize("broken", [{}, {"/": 200}], ids=["goes-well", "put-back"])
def test_orders_that_come_late_change_nothing(town, broken):
    """As from a worker that was paused, like its whole machine, while another carried on."""
    town.break_app["1.0.1"] = broken
    post, given, repeated = town.context.gateway.post, [], []

    def post_late(host, path, *rest, door=""):
        answer = post(host, path, *rest, door=door)
        given.append((path, *rest))
        if path == "/open" and answer[0] == 200 and not repeated:
            repeated.extend(given)
            town.write("third. ")
            before = town.read(), find_open(town.door)
            for late in given:
                post(host, *late, door=door)
            assert (town.read(), find_open(town.door)) == before
        return answer

    town.context.gateway.post = post_late
    carry(town, ask(town))
    assert {"/close", "/snapshot"} < {path for path, *_ in repeated}
    assert town.now.version == ("1.0.0" if broken else "1.0.1")
    assert town.read().endswith("third. ")


# -- one that is started beside the one that serves ------------------------------------------------


def steps_of(town, operation):
    rows = town.context.store.list_steps(operation.id)
    return {row.name: row.state for row in rows}


def test_one_that_never_loads_makes_nobody_wait(town):
    town.never_load.add("1.0.1")
    operation = carry(town, ask(town))
    assert (operation.state, operation.error_code) == ("failed", "took-too-long")
    assert steps_of(town, operation)["close_door"] == "pending"
    assert_old(town)


def test_one_that_crashes_as_it_loads_makes_nobody_wait(town):
    town.never_load.add("1.0.1")
    town.context.engine.crashed.add(f"{town.name}-twin")
    operation = carry(town, ask(town))
    assert (operation.state, operation.error_code) == ("failed", "app-failed")
    assert steps_of(town, operation)["close_door"] == "pending"
    logged = [line.text for line in town.context.store.list_log(operation.id)]
    assert "a line it printed" in logged, "the operator sees why"
    assert_old(town)


@either
def test_one_that_crashes_when_it_is_to_serve_is_not_waited_for(town):
    town.break_app["1.0.1"] = {"/healthz": 502}
    town.context.engine.has_crashed = lambda _: "1.0.1" in town.list_running().values()
    began = town.context.clock.now()
    operation = carry(town, ask(town))
    assert (operation.state, operation.error_code) == ("failed", "app-failed")
    assert town.context.clock.now() - began < timedelta(seconds=2)
    assert_old(town)


def test_without_memory_for_two_it_is_started_when_the_old_one_has_ended(town):
    town.context.room.free_memory = town.context.releases.release.recipe.app.memory_mb - 1
    town.context.engine.said.clear()
    assert carry(town, ask(town)).state == OperationState.DONE
    order = [f"{town.name} × 0", f"{town.name}-twin × 1"]
    assert list(dict.fromkeys(town.context.engine.said)) == order
    assert_new(town)


def test_what_comes_back_with_its_data_is_not_started_before_the_data_is_there(town):
    """Its folder would be the one that is put aside."""
    releases = town.context.releases
    releases.publish(make_version("1.0.2", takes_turns=True))
    town.migrations["2"] = migrate
    for version in ("1.0.1", "1.0.2"):
        assert carry(town, ask(town, to=version)).state == OperationState.DONE
    town.context.engine.said.clear()
    operation = back(town, as_it_was=True)
    assert carry(town, operation).state == OperationState.DONE
    order = [f"{town.name} × 0", f"{town.name}-twin × 1"]
    assert list(dict.fromkeys(town.context.engine.said)) == order
    assert town.visit() == "1.0.1"


def test_an_upgrade_from_before_there_were_twins_is_carried_to_its_end(town):
    operation = ask(town)
    asked = {k: v for k, v in operation.asked.items() if not k.endswith("runs_as")}
    town.context.store.record_asked(None, operation.id, asked)
    town.context.engine.said.clear()
    assert carry(town, operation).state == OperationState.DONE
    order = [f"{town.name} × 0", f"{town.name} × 1"]
    assert list(dict.fromkeys(town.context.engine.said)) == order
    assert_new(town)


def test_the_two_services_take_turns(town):
    seen = []
    for _ in range(3):
        again = request_repeat(town.context, town.now, requested_by="test")
        assert carry(town, again).state == OperationState.DONE
        seen.append(list(town.context.engine.services))
    one, twin = [town.name], [f"{town.name}-twin"]
    assert seen == [twin, one, twin]


# -- what is refused -------------------------------------------------------------------------------


def test_it_is_refused_in_words_and_nothing_is_recorded(town):
    releases = town.context.releases
    with pytest.raises(UpgradeRefused) as refused:
        ask(town, to="9.9.9")
    assert "no version 9.9.9" in refused.value.explain()
    with pytest.raises(UpgradeRefused) as refused:
        ask(town, to="1.0.0")
    assert "not newer" in refused.value.explain()
    releases.publish(make_version("2.0.0", upgrade_from="1.0.1"))
    with pytest.raises(UpgradeRefused) as refused:
        ask(town, to="2.0.0")
    assert "takes over from 1.0.1" in refused.value.explain()
    assert {o.kind for o in town.context.store.list_operations()} == {"create"}


def test_without_a_wish_it_goes_step_by_step_to_the_newest(town):
    town.context.releases.publish(make_version("2.0.0", upgrade_from="1.0.1"))
    carry(town, ask(town))
    assert town.now.version == "1.0.1"
    carry(town, ask(town))
    assert town.now.version == "2.0.0"
    with pytest.raises(UpgradeRefused) as refused:
        ask(town)
    assert "is the newest version in stable" in refused.value.explain()


def test_one_at_a_time(town):
    ask(town)
    with pytest.raises(Conflict):
        ask(town)


def test_what_was_asked_for_before_something_else_ran_is_refused(town):
    before = town.now
    carry(town, ask(town))
    with pytest.raises(Conflict):
        request_upgrade(town.context, before, requested_by="test")


@pytest.mark.parametrize("short", ["free", "free_memory"])
def test_without_room_nobody_is_kept_waiting(town, short):
    big = make_version("1.0.1")
    service = big.recipe.app.model_copy(update={"memory_mb": 1024})
    recipe = big.recipe.model_copy(update={"service": service})
    town.context.releases.publish(big.model_copy(update={"recipe": recipe}))
    setattr(town.context.room, short, 100)
    town.context.engine.said.clear()
    operation = carry(town, ask(town))
    assert (operation.state, operation.error_code) == ("failed", "not-enough-room")
    assert town.context.engine.said == [], "the old one was never stopped"
    assert_old(town)


def test_a_release_that_was_withdrawn_in_between_changes_nothing(town):
    operation = ask(town)
    del town.context.releases.published["app/taarafo/stable/1.0.1/release.json"]
    assert carry(town, operation).error_code == "release-unknown"


# -- back again ------------------------------------------------------------------------------------


def back(town, **said):
    return request_rollback(town.context, town.now, requested_by="test", **said)


def test_back_to_a_version_that_reads_the_new_data_loses_nothing(town):
    town.context.releases.publish(make_version("1.0.1", readable_by="1.0.0"))
    carry(town, ask(town))
    town.write("third. ")
    assert carry(town, back(town)).state == OperationState.DONE
    assert (town.now.version, town.visit()) == ("1.0.0", "1.0.0")
    assert town.read() == "FIRST. SECOND. third. "


@either
def test_back_to_one_that_cannot_needs_a_yes_and_puts_the_new_words_aside(town):
    carry(town, ask(town))
    town.write("third. ")
    with pytest.raises(SaidBadly) as refused:
        back(town)
    assert "cannot read" in refused.value.explain()
    assert carry(town, back(town, as_it_was=True)).state == OperationState.DONE
    assert town.read() == "first. second. "
    assert town.visit() == "1.0.0"
    assert carry(town, back(town, as_it_was=True)).state == OperationState.DONE
    assert town.read() == "FIRST. SECOND. THIRD. ", "it comes back, and was migrated again"


def test_back_is_refused_after_the_window_without_a_before_and_below_the_floor(town):
    with pytest.raises(UpgradeRefused):
        back(town)
    carry(town, ask(town))
    town.context.releases.floor = "1.0.1"
    with pytest.raises(UpgradeRefused) as refused:
        back(town)
    assert "not safe" in refused.value.explain()
    town.context.releases.floor = "1.0.0"
    town.context.clock.moment += timedelta(days=15)
    with pytest.raises(UpgradeRefused) as refused:
        back(town)
    assert "14 days" in refused.value.explain()


def test_the_same_version_can_be_put_in_once_more(town):
    carry(town, ask(town))
    again = request_repeat(town.context, town.now, requested_by="test")
    assert carry(town, again).state == OperationState.DONE
    assert (town.now.version, town.now.slot) == ("1.0.1", "a")
    assert town.visit() == "1.0.1"


def test_a_community_from_before_there_were_doors_gets_them(town):
    context = town.context
    context.store.change_community(town.community.id, slot="")
    (town.door / "http.sock").unlink()
    (town.door / "http.sock").write_text("stands for its own socket")
    assert carry(town, ask(town)).state == OperationState.DONE
    assert (town.now.slot, town.visit()) == ("a", "1.0.1")


def test_what_was_kept_is_forgotten_when_nobody_can_go_back_to_it(town):
    carry(town, ask(town))
    assert list((town.home / "snapshots").iterdir())
    assert forget_kept(town.context) == 0
    town.context.clock.moment += timedelta(days=14, seconds=1)
    assert forget_kept(town.context) == 1
    assert forget_kept(town.context) == 0, "one at a time"
    run_stranded(town.context)
    assert town.forgotten == [str(town.home / "snapshots")]
    assert (town.now.before, town.now.snapshot) == ("", "")
    assert forget_kept(town.context) == 0
    with pytest.raises(UpgradeRefused):
        back(town)


def test_what_could_not_be_forgotten_is_tried_again(town):
    carry(town, ask(town))
    town.context.clock.moment += timedelta(days=15)
    town.context.engine.failing_jobs.add("-forget")
    assert forget_kept(town.context) == 1
    run_stranded(town.context)
    town.context.engine.failing_jobs.clear()
    assert forget_kept(town.context) == 1, "it is still there"
    run_stranded(town.context)
    assert town.now.snapshot == ""


def test_a_release_is_verified_once_a_run_however_long_it_waits(town):
    """While members are held, no step reads the published releases again."""
    asked = []
    get = town.context.releases.get

    def count(target):
        asked.append(target)
        return get(target)

    operation = ask(town)
    town.context.releases.get = count
    town.break_app["1.0.1"] = {"/healthz": 500}
    carry(town, operation)
    assert len(asked) == len(set(asked)) == 2
