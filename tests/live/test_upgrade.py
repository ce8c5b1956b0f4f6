"""Upgrades on a real engine, while members read and write: good ones, bad ones, and every fault."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest

from provisioner.agent.attester import LOOK_SECONDS
from provisioner.core.place import name_of
from provisioner.engine.benchmarks.members import Crowd, join
from provisioner.engine.checks.attest import check_community
from provisioner.engine.context import Context
from provisioner.engine.machine.up import bring_up
from provisioner.engine.operations import run_operation, run_stranded
from provisioner.engine.upgrades.swap_steps import SWAP_STEPS
from provisioner.engine.upgrades.undo_steps import UNDO_STEPS
from provisioner.engine.upgrades.upgrade import request_repeat, request_rollback, request_upgrade
from provisioner.errors import OperationFailed, SaidBadly
from provisioner.models.community import CommunityState
from provisioner.models.operation import OperationState
from provisioner.models.service import ServiceSpec
from provisioner.models.verdict import Outcome
from tests.live.breaking import docker, restart_docker, run_doomed
from tests.live.community import ask, erase, get, wait_until
from tests.live.versions import BETTER, GOOD, SHOWS, SLEEPS, SPOILS, publish

pytestmark = [pytest.mark.live, pytest.mark.fault]
RATE = 10.0  # requests a second
PEOPLE = 6


@pytest.fixture(scope="module")
def context(control_plane, state, tmp_path_factory):
    """Leases end after a second, and the deployed worker is at rest meanwhile."""
    settled = Context(state)
    settled.engine.remove_service(f"{state.stack}-worker")
    for version in (GOOD, SPOILS, SLEEPS, SHOWS, BETTER):
        publish(settled, version, tmp_path_factory.mktemp("versions"))
    yield Context(state.model_copy(update={"lease_seconds": 1.0}))
    bring_up(state, say=lambda _: None)


@pytest.fixture(scope="module")
def family(context):
    """A community of the first version, with people in it."""
    community, operation = ask(context, "The Upgraded")
    start_with(context, community, operation)
    yield community
    run_operation(context, erase(context, community).id)


def start_with(context, community, operation, version="1.0.0", slot="a"):
    """Pinned before its first step, as it was made when that version was the newest."""
    target = f"app/taarafo/stable/{version}/release.json"
    context.store.change_community(community.id, release=target, version=version, slot=slot)
    assert run_operation(context, operation.id)
    assert context.store.get_operation(operation.id).state == OperationState.DONE


@pytest.fixture(scope="module")
def people(context, family):
    return join(context, context.store.get_community(family.id), PEOPLE)


@pytest.fixture
def crowd(people):
    return Crowd(people, rate=RATE)


@contextmanager
def busy(crowd):
    with crowd.busy():
        time.sleep(0.5)
        yield
        time.sleep(0.5)


def now(context, family):
    return context.store.get_community(family.id)


def carry(context, operation):
    run_operation(context, operation.id)
    return context.store.get_operation(operation.id)


def continue_it(context, operation):
    """As often as a sweep would; what waits for a part is left and taken again."""
    ends = time.monotonic() + 90
    while (now := context.store.get_operation(operation.id)).finished_at is None:
        assert time.monotonic() < ends, now.message
        if operation.id in context.store.list_stranded(context.clock.now()):
            run_stranded(context)
        time.sleep(0.1)
    return now


def sum_up(context, community, crowd):
    """(acknowledged writes, those that are lost, requests that failed); prints what explains."""
    lost = crowd.list_lost()
    if lost:
        time.sleep(2)
        print(*lost, "two seconds later:", crowd.list_lost(), crowd.list_ids(), sep="\n")
        print(*crowd.answers, sep="\n")
        for each in context.store.list_operations(community.id, limit=1):
            print(*context.store.list_steps(each.id), sep="\n")
            print(*context.store.list_log(each.id), sep="\n")
    kept = [answer for answer in crowd.answers if answer.text and answer.is_good]
    return len(kept), len(lost), sum(not answer.is_good for answer in crowd.answers)


def is_whole(crowd):
    """False also while nothing is shown."""
    with suppress(OperationFailed):
        return not crowd.list_lost()
    return False


def assert_whole(context, family, state):
    """It runs as its row says, nothing of the swap is left, and it is what was published."""
    community = now(context, family)
    assert community.state == CommunityState.RUNNING
    names = context.engine.list_named(name_of(community, state.stack))
    assert sum(name.startswith("service:") for name in names) == 1, names
    assert sum(name.startswith("config:") for name in names) == 1, names
    wait_until(
        lambda: (
            check_community(context, community.address).outcome
            in (Outcome.GENUINE, Outcome.OUTDATED)
        ),
        "it is what was published",
        30,
    )


# -- good and bad versions -------------------------------------------------------------------------


def test_nobody_notices_an_upgrade_and_nobody_the_way_back(context, state, family, crowd, tell):
    with busy(crowd):
        up = request_upgrade(context, now(context, family), to=GOOD.number, requested_by="test")
        operation = carry(context, up)
        assert operation.state == OperationState.DONE, operation.message
        assert now(context, family).version == GOOD.number
        time.sleep(1)
        back = request_rollback(context, now(context, family), requested_by="test")
        assert carry(context, back).state == OperationState.DONE
    writes, lost, failed = sum_up(context, family, crowd)
    tell("none: an upgrade, then back", "", "new, then old", writes, lost)
    assert (lost, failed) == (0, 0)
    assert writes > 10
    assert max(answer.seconds for answer in crowd.answers) < 10, "a bound for any machine"
    assert now(context, family).version == "1.0.0"
    assert_whole(context, family, state)


@pytest.mark.parametrize(
    ("version", "code", "fault"),
    [
        (SPOILS, "app-failed", "a migration that deletes half and crashes"),
        (SLEEPS, "took-too-long", "a version that never wakes up"),
        (SHOWS, "promise-broken", "a version that shows itself to strangers"),
    ],
    ids=lambda value: value.number if hasattr(value, "number") else "",
)
def test_a_bad_version_is_put_back_with_every_word(
    context, state, family, crowd, tell, version, code, fault
):
    with busy(crowd):
        asked = request_upgrade(
            context, now(context, family), to=version.number, requested_by="test"
        )
        operation = carry(context, asked)
    writes, lost, failed = sum_up(context, family, crowd)
    tell(fault, "", "old", writes, lost)
    assert (operation.state, operation.error_code) == (OperationState.FAILED, code)
    assert now(context, family).version == "1.0.0"
    assert (lost, failed) == (0, 0), [a for a in crowd.answers if not a.is_good]
    assert get(state, family.address.partition(":")[0], "/")[0] == 404, "still hidden"
    assert_whole(context, family, state)
    time.sleep(2)  # Swarm starts again what crashed after a second
    assert crowd.list_lost() == [], "the bad version was started again beside the good one"


def test_back_to_what_cannot_read_on_puts_everything_as_it_was(context, state, family, people):
    crowd = Crowd(people, rate=RATE)
    with busy(crowd):
        pass
    up = request_upgrade(context, now(context, family), to=BETTER.number, requested_by="test")
    assert carry(context, up).state == OperationState.DONE
    later = Crowd(people, rate=RATE)
    with busy(later):
        pass
    with pytest.raises(SaidBadly):
        request_rollback(context, now(context, family), requested_by="test")
    for gone in (True, False, True):
        back = request_rollback(context, now(context, family), as_it_was=True, requested_by="test")
        assert carry(context, back).state == OperationState.DONE
        assert crowd.list_lost() == []
        assert bool(later.list_lost()) is gone, "put aside, then brought back, then put aside"
    assert_whole(context, family, state)


def test_a_community_from_before_there_were_two_doors_is_upgraded(context, state):
    community, operation = ask(context, "Without Doors")
    start_with(context, community, operation, slot="")
    people = Crowd(join(context, now(context, community), 2), rate=RATE)
    with busy(people):
        bad = request_upgrade(
            context, now(context, community), to=SHOWS.number, requested_by="test"
        )
        assert carry(context, bad).error_code == "promise-broken"
        assert now(context, community).slot == "", "put back to where it was"
        up = request_upgrade(context, now(context, community), to=GOOD.number, requested_by="test")
        assert carry(context, up).state == OperationState.DONE
    assert sum_up(context, community, people)[1:] == (0, 0)
    assert now(context, community).slot == "a"
    assert run_operation(context, erase(context, community).id)


# -- one that waits beside the one that serves -----------------------------------------------------


def test_while_the_new_one_waits_the_old_one_serves_and_is_what_is_reported(
    context, state, family, crowd
):
    """The worker ends in between, so that there is time to look."""
    before = now(context, family)
    operation = request_upgrade(context, before, to=GOOD.number, requested_by="test")
    run_doomed(state, operation, "start_twin")
    name = name_of(before, state.stack)
    services = [n for n in context.engine.list_named(name) if n.startswith("service:")]
    assert {f"service:{name}", f"service:{name}-twin"} <= set(services), services
    time.sleep(3 * LOOK_SECONDS)  # the agent has looked again
    for _ in range(3):
        verdict = check_community(context, before.address)
        assert verdict.outcome in (Outcome.GENUINE, Outcome.OUTDATED), verdict
        assert verdict.release == before.release
    with busy(crowd):
        pass
    assert sum_up(context, family, crowd)[1:] == (0, 0)
    assert max(answer.seconds for answer in crowd.answers) < 2, "nobody is held"
    assert continue_it(context, operation).state == OperationState.DONE
    assert now(context, family).version == GOOD.number
    back = request_rollback(context, now(context, family), requested_by="test")
    assert carry(context, back).state == OperationState.DONE
    assert crowd.list_lost() == []
    assert_whole(context, family, state)


@pytest.fixture
def start(context, state):
    """Starts a program as a service, which ends with the test; its name."""
    name = f"{state.stack}-crash"

    def start(*program):
        image = context.place.tools_image
        assert not context.engine.has_crashed(name), "there is no such service"
        context.engine.ensure_service(
            ServiceSpec(name=name, image=image, entrypoint=program, networks=("host",))
        )
        return name

    yield start
    context.engine.remove_service(name)


@pytest.mark.parametrize("script", ["exit(3)", "import os; os.abort()"])
def test_a_program_that_ends_with_an_error_has_crashed(context, start, script):
    name = start("python3", "-c", script)
    wait_until(lambda: context.engine.has_crashed(name), "it is seen", 30)


def test_one_that_was_killed_once_has_not_crashed(context, engine, start):
    name = start("sleep", "600")
    label = f"label=com.docker.swarm.service.name={name}"

    def find():
        return docker(engine, "ps", "-q", "--filter", label).split()

    wait_until(find, "it runs", 30)
    (first,) = find()
    assert not context.engine.has_crashed(name)
    docker(engine, "kill", first)
    wait_until(lambda: find() not in ([], [first]), "it runs again", 30)
    assert not context.engine.has_crashed(name), "that may have been Docker itself"
    docker(engine, "kill", *find())
    wait_until(lambda: context.engine.has_crashed(name), "twice is no accident", 30)


# -- killed at every step --------------------------------------------------------------------------


@pytest.mark.parametrize("step", [plan.name for plan in SWAP_STEPS])
def test_a_worker_killed_at_any_step_is_continued(context, state, family, crowd, tell, step):
    before = now(context, family)
    with busy(crowd):
        operation = request_repeat(context, before, requested_by="test")
        run_doomed(state, operation, step)
        assert continue_it(context, operation).state == OperationState.DONE
    writes, lost, failed = sum_up(context, family, crowd)
    tell("worker killed", step, "new", writes, lost)
    assert now(context, family).slot != before.slot
    assert (lost, failed) == (0, 0)
    assert_whole(context, family, state)


@pytest.mark.parametrize("step", [plan.name for plan in UNDO_STEPS])
def test_a_worker_killed_while_it_puts_back_is_continued(context, state, crowd, tell, step, family):
    before = now(context, family)
    with busy(crowd):
        operation = request_upgrade(context, before, to=SHOWS.number, requested_by="test")
        run_doomed(state, operation, step)
        assert continue_it(context, operation).state == OperationState.FAILED
    writes, lost, failed = sum_up(context, family, crowd)
    tell("worker killed while it puts back", step, "old", writes, lost)
    assert (now(context, family).slot, now(context, family).release) == (
        before.slot,
        before.release,
    )
    assert (lost, failed) == (0, 0)
    assert_whole(context, family, state)


# -- other parts that die --------------------------------------------------------------------------


def carry_while(context, family, break_it, at):
    """Break something as soon as the step `at` has begun."""
    operation = request_repeat(context, now(context, family), requested_by="test")

    def has_begun():
        steps = context.store.list_steps(operation.id)
        return any(step.name == at and step.started_at for step in steps)

    with ThreadPoolExecutor(1) as hand:
        carried = hand.submit(run_operation, context, operation.id)
        wait_until(has_begun, f"{at} has begun")
        break_it()
        carried.result(240)
    return continue_it(context, operation)


@pytest.mark.parametrize("at", ["start_twin", "stop_old", "migrate", "start_new"])
def test_docker_killed_in_the_middle_loses_no_word(context, state, engine, family, crowd, tell, at):
    before = now(context, family)
    with busy(crowd):
        operation = carry_while(context, family, lambda: restart_docker(engine), at)
        wait_until(
            lambda: get(state, family.address.partition(":")[0], "/sign-in")[0] == 404,
            "it answers again",
        )
    wait_until(lambda: is_whole(crowd), "every acknowledged word is there", 30)
    writes, lost, _ = sum_up(context, family, crowd)
    after = now(context, family)
    tell("Docker killed", at, "old" if after.slot == before.slot else "new", writes, lost)
    assert operation.state in (OperationState.DONE, OperationState.FAILED)
    assert (after.slot == before.slot) is (operation.state == OperationState.FAILED)
    assert_whole(context, family, state)


@pytest.mark.parametrize("part", ["attendant", "edge"])
def test_a_part_that_is_killed_in_the_middle_comes_again(
    context, state, engine, family, crowd, tell, part
):
    name = name_of(now(context, family), state.stack)
    service = f"{name}-attendant" if part == "attendant" else f"{state.stack}-edge"

    def kill():
        label = f"label=com.docker.swarm.service.name={service}"
        for container in docker(engine, "ps", "-q", "--filter", label).split():
            docker(engine, "kill", container)

    with busy(crowd):
        operation = carry_while(context, family, kill, "take_snapshot")
    writes, lost, failed = sum_up(context, family, crowd)
    tell(f"{part} killed", "take_snapshot", "new", writes, lost)
    assert operation.state == OperationState.DONE, operation.message
    assert lost == 0
    assert failed == 0 or part == "edge"
    assert_whole(context, family, state)
