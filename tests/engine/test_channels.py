"""Two lines of releases: early has it first, and whoever goes back to stable waits for it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from provisioner.engine.upgrades.roll_out import roll_out
from provisioner.engine.upgrades.trial import explain_trial
from provisioner.engine.upgrades.upgrade import request_upgrade
from provisioner.engine.upgrades.wishes import choose_channel, explain_channel
from provisioner.errors import SaidBadly, UpgradeRefused
from tests.engine.test_roll_out import carry_all, fleet, go
from tests.engine.town import make_version

__all__ = ["fleet"]


def publish(context, version, channel):
    release = make_version(version).model_copy(update={"channel": channel})
    return context.releases.publish(release)


@pytest.fixture
def brave(fleet):
    """Ten of sixty chose early."""
    rows = fleet.store.list_fleet("taarafo", "stable")[:10]
    return [choose_channel(fleet, row, "early") for row in rows]


def count(context, channel):
    found = [row.release for row in context.store.list_fleet("taarafo", channel)]
    return {release: found.count(release) for release in sorted(set(found))}


def target(version, channel):
    return f"app/taarafo/{channel}/{version}/release.json"


def test_early_has_it_first_and_stable_only_when_it_is_published_there(fleet, brave):
    publish(fleet, "1.0.1", "early")
    for _ in range(3):
        go(fleet, hours=24)
    assert count(fleet, "early") == {target("1.0.1", "early"): 10}
    assert count(fleet, "stable") == {target("1.0.0", "stable"): 50}
    assert "has proved itself" in explain_trial(
        fleet, fleet.store.get_rollout(target("1.0.1", "early"))
    )
    publish(fleet, "1.0.1", "stable")
    for _ in range(4):
        go(fleet, hours=24)
    assert count(fleet, "stable") == {target("1.0.1", "stable"): 50}
    assert count(fleet, "early") == {target("1.0.1", "early"): 10}, "nothing came to them"


def test_how_long_it_has_to_run_on_early_is_told(fleet, brave):
    publish(fleet, "1.0.1", "early")
    roll_out(fleet)
    row = fleet.store.get_rollout(target("1.0.1", "early"))
    assert explain_trial(fleet, row).endswith("nobody here runs it on early yet.")
    carry_all(fleet)
    assert "has to run on early until" in explain_trial(fleet, row)
    fleet.clock.moment += timedelta(hours=20)
    assert "has proved itself" in explain_trial(fleet, row)
    publish(fleet, "1.0.2", "early")
    fleet.bad = {each.id for each in brave}
    go(fleet, hours=4)
    bad = fleet.store.get_rollout(target("1.0.2", "early"))
    assert bad.state == "halted"
    assert "its rollout on early is stopped" in explain_trial(fleet, bad)


def test_back_to_stable_it_stays_until_stable_has_caught_up(fleet, brave):
    publish(fleet, "1.0.2", "early")
    for _ in range(3):
        go(fleet, hours=24)
    back = choose_channel(fleet, fleet.store.get_community(brave[0].id), "stable")
    said = "It stays at 1.0.2 until stable has caught up: the newest version there is 1.0.0."
    assert explain_channel(fleet, back) == said
    with pytest.raises(UpgradeRefused) as caught:
        request_upgrade(fleet, back, requested_by="test")
    assert said in caught.value.explain()
    publish(fleet, "1.0.1", "stable")
    for _ in range(4):
        go(fleet, hours=24)
    assert fleet.store.get_community(back.id).release == target("1.0.2", "early"), "not behind"
    publish(fleet, "1.0.2", "stable")
    for _ in range(4):
        go(fleet, hours=24)
    assert count(fleet, "stable") == {target("1.0.2", "stable"): 51}
    row = fleet.store.get_rollout(target("1.0.2", "stable"))
    assert (row.state, row.standings) == ("done", {"done": 51})


def test_a_channel_that_is_none_is_refused(fleet):
    (row, *_) = fleet.store.list_fleet("taarafo", "stable")
    with pytest.raises(SaidBadly):
        choose_channel(fleet, row, "brand-new")
    assert "Nothing is published in early yet" in explain_channel(
        fleet, choose_channel(fleet, row, "early")
    )
