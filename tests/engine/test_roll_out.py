"""Releases reach a fleet by themselves: canaries, a tenth, everybody; a bad one stops early."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from provisioner.engine.courses import COURSES
from provisioner.engine.operations import run_operation
from provisioner.engine.upgrades.roll_out import pause_rollout, resume_rollout, roll_out
from provisioner.engine.upgrades.upgrade import request_upgrade
from provisioner.engine.upgrades.wishes import choose_zone, pin, postpone
from provisioner.engine.work import StepPlan
from provisioner.errors import AppFailed, SaidBadly, UpgradeRefused
from provisioner.models.community import Community, CommunityState
from provisioner.models.operation import OperationKind
from tests.engine.town import make_version
from tests.fakes import make_context

OLD = "app/taarafo/stable/1.0.0/release.json"
NEW = "app/taarafo/stable/1.0.1/release.json"
FLEET = 60


@pytest.fixture
def fleet(tmp_path, monkeypatch):
    """Sixty communities; upgrades take no time, and fail for those in `fleet.bad`."""
    context = make_context(tmp_path)
    context.bad = set()

    def swap(work):
        if work.community.id in context.bad:
            raise AppFailed("as the test wants it")
        work.change(release=work.operation.target, version=work.operation.target.split("/")[3])

    course = replace(COURSES["upgrade"], steps=(StepPlan("start_new", swap),), undo=())
    monkeypatch.setitem(COURSES, "upgrade", replace(course, is_settled=lambda work: False))
    with context.store.session() as session:
        for number in range(FLEET):
            session.add(make_row(context, number))
    context.clock.moment = context.clock.moment.replace(hour=3)  # quiet in UTC
    return context


def make_row(context, number):
    label = f"c{number}"
    return Community(
        id=f"{number:032x}",
        label=label,
        reserved=label,
        address=f"{label}.localhost",
        name=label,
        founder="Ann",
        preset="family",
        promises={},
        app="taarafo",
        channel="stable",
        release=OLD,
        version="1.0.0",
        state=CommunityState.RUNNING,
        created_at=context.clock.now(),
    )


def publish(context, version="1.0.1", **changed):
    return context.releases.publish(make_version(version, **changed))


def carry_all(context):
    for operation_id in context.store.list_stranded(context.clock.now()):
        run_operation(context, operation_id)


def go(context, *, hours=0.0, rounds=40):
    """Rounds of deciding and carrying until nothing more is started."""
    context.clock.moment += timedelta(hours=hours)
    for _ in range(rounds):
        if not roll_out(context):
            return
        carry_all(context)
        context.clock.sleep(60)


def versions(context):
    found = [row.version for row in context.store.list_fleet("taarafo", "stable")]
    return {version: found.count(version) for version in sorted(set(found))}


def row_of(context, target=NEW):
    return context.store.get_rollout(target)


def test_canaries_then_a_tenth_then_everybody(fleet):
    go(fleet)
    assert fleet.store.list_rollouts() == [], "nobody has anywhere to go"
    publish(fleet)
    go(fleet)
    assert versions(fleet) == {"1.0.0": FLEET - 5, "1.0.1": 5}
    assert "have to run for 20 hours" in row_of(fleet).reason
    go(fleet, hours=24)
    assert versions(fleet)["1.0.1"] == 6, "a tenth"
    go(fleet, hours=24)
    assert versions(fleet) == {"1.0.1": FLEET}
    assert row_of(fleet).state == "done"
    assert all(o.requested_by == "rollout" for o in fleet.store.list_operations())


def test_only_so_many_at_once_and_nobody_twice(fleet):
    publish(fleet)
    assert roll_out(fleet) == fleet.settings.upgrades_at_once
    assert roll_out(fleet) == 0
    assert len(fleet.store.list_busy()) == fleet.settings.upgrades_at_once


def test_a_routine_release_waits_for_the_night_and_a_security_release_does_not(fleet):
    fleet.clock.moment = fleet.clock.moment.replace(hour=12)
    publish(fleet)
    go(fleet)
    assert versions(fleet) == {"1.0.0": FLEET}
    assert "Waiting until" in row_of(fleet).reason
    fleet.releases.publish(make_version("1.0.2").model_copy(update={"urgency": "security"}))
    go(fleet)
    assert versions(fleet)["1.0.2"] == 5, "canaries first all the same"
    go(fleet, hours=1.1)
    go(fleet, hours=1.1)
    assert versions(fleet) == {"1.0.2": FLEET}
    assert row_of(fleet).state == "done", "it was overtaken"


def test_whoever_runs_what_is_not_safe_is_in_a_hurry(fleet):
    fleet.clock.moment = fleet.clock.moment.replace(hour=12)
    fleet.releases.floor = "1.0.1"
    publish(fleet)
    go(fleet)
    assert row_of(fleet).urgency == "security"
    assert versions(fleet)["1.0.1"] == 5


def test_a_bad_release_stops_at_the_canaries_and_goes_on_when_told(fleet):
    fleet.bad = {row.id for row in fleet.store.list_fleet("taarafo", "stable")}
    publish(fleet)
    go(fleet)
    failed = [o for o in fleet.store.list_operations() if o.kind == OperationKind.UPGRADE]
    assert len(failed) <= 5
    assert versions(fleet) == {"1.0.0": FLEET}
    assert row_of(fleet).state == "halted"
    assert "failed" in row_of(fleet).reason
    go(fleet, hours=48)
    assert row_of(fleet).state == "halted"
    fleet.bad = set()
    assert resume_rollout(fleet, NEW).state == "active"
    for hours in (0, 24, 24, 24):
        go(fleet, hours=hours)
    left = versions(fleet).get("1.0.0", 0)
    assert left == len(failed), "who failed is not tried again by itself"
    for row in fleet.store.list_fleet("taarafo", "stable"):
        if row.version == "1.0.0":
            request_upgrade(fleet, row, requested_by="operator")
    carry_all(fleet)
    assert versions(fleet) == {"1.0.1": FLEET}


def test_paused_nobody_is_started(fleet):
    publish(fleet)
    assert roll_out(fleet)
    carry_all(fleet)
    before = versions(fleet)
    assert pause_rollout(fleet, NEW).state == "paused"
    go(fleet, hours=24)
    assert versions(fleet) == before
    resume_rollout(fleet, NEW)
    go(fleet)
    assert versions(fleet) != before


def test_pins_and_delays_are_kept_as_long_as_that_is_safe(fleet):
    rows = fleet.store.list_fleet("taarafo", "stable")
    pin(fleet, rows[0], "1.0.0")
    postpone(fleet, rows[1], days=30, why="Grandma's birthday")
    publish(fleet)
    for hours in (0, 24, 24, 24):
        go(fleet, hours=hours)
    assert versions(fleet) == {"1.0.0": 2, "1.0.1": FLEET - 2}
    standings = row_of(fleet).standings
    assert (standings["pinned"], standings["postponed"], standings["done"]) == (1, 1, FLEET - 2)
    fleet.releases.floor = "1.0.2"
    publish(fleet, "1.0.2")
    for hours in (0, 24, 24, 24, 24):
        go(fleet, hours=hours)
    assert versions(fleet) == {"1.0.2": FLEET}, "it is not safe any more"


def test_wishes_are_judged(fleet):
    row = fleet.store.list_fleet("taarafo", "stable")[0]
    for wrong in (
        lambda: pin(fleet, row, "latest"),
        lambda: postpone(fleet, row, days=400, why="x"),
        lambda: postpone(fleet, row, days=3, why="  "),
        lambda: choose_zone(fleet, row, "Mars/Olympus"),
    ):
        with pytest.raises(SaidBadly):
            wrong()
    assert choose_zone(fleet, row, "America/Chicago").zone == "America/Chicago"
    assert postpone(fleet, row, days=2, why="a  wedding").postponed_why == "a wedding"
    assert postpone(fleet, row, days=0, why="").postponed_until is None


def test_one_that_is_over_cannot_be_paused(fleet):
    publish(fleet)
    for hours in (0, 24, 24):
        go(fleet, hours=hours)
    with pytest.raises(UpgradeRefused):
        pause_rollout(fleet, NEW)


def test_a_decision_made_twice_at_once_starts_nobody_twice(fleet):
    publish(fleet)
    roll_out(fleet)
    open_ones = [o for o in fleet.store.list_operations() if o.kind == OperationKind.UPGRADE]
    assert len({o.community_id for o in open_ones}) == len(open_ones)
    before = row_of(fleet)
    pause_rollout(fleet, NEW)
    assert fleet.store.change_rollout(before, wave=2) is False, "somebody was faster"


def test_whoever_has_to_take_a_step_between_takes_it_first(fleet):
    publish(fleet)
    publish(fleet, "2.0.0", upgrade_from="1.0.1")
    for hours in (0, *[24] * 9):
        go(fleet, hours=hours)
    assert versions(fleet) == {"2.0.0": FLEET}


def test_a_floor_that_is_raised_later_makes_it_urgent(fleet):
    rows = fleet.store.list_fleet("taarafo", "stable")
    pin(fleet, rows[0], "1.0.0")
    postpone(fleet, rows[1], days=30, why="a wedding")
    fleet.clock.moment = fleet.clock.moment.replace(hour=12)
    publish(fleet)
    go(fleet)
    assert versions(fleet) == {"1.0.0": FLEET}, "a routine one waits for the night"
    fleet.releases.floor = "1.0.1"
    go(fleet)
    assert (row_of(fleet).urgency, row_of(fleet).security_floor) == ("security", "1.0.1")
    assert versions(fleet)["1.0.1"] == 5
    for _ in range(3):
        go(fleet, hours=1.1)
    assert versions(fleet) == {"1.0.0": 1, "1.0.1": FLEET - 1}, "the pin holds nothing back"
    go(fleet, hours=72)
    assert versions(fleet) == {"1.0.1": FLEET}, "nobody may wait longer than three days"
