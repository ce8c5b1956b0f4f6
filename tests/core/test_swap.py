"""Which version takes the place of which, and what a stranger must be answered."""

from __future__ import annotations

import pytest

from provisioner.core.probes import plan_probes
from provisioner.core.promises import PRESETS
from provisioner.core.swap import (
    as_it_will_be,
    can_read_on,
    is_carried_out,
    plan_rollback,
    plan_upgrade,
    read_swap,
)
from provisioner.core.upgrading import find_step, judge_step
from provisioner.models.promise import Connections, Preset
from tests.core.test_planning import make_community
from tests.fakes import make_release

NEW, OLD = "app/taarafo/stable/1.1.0/release.json", "app/taarafo/stable/1.0.0/release.json"


def living(slot="a", **more):
    community = make_community()
    for name, value in {"release": OLD, "version": "1.0.0", "slot": slot, **more}.items():
        setattr(community, name, value)
    return community


@pytest.mark.parametrize(("slot", "other"), [("a", "b"), ("b", "a"), ("", "a")])
def test_the_new_version_gets_the_other_slot(slot, other):
    community = living(slot)
    swap = plan_upgrade(community, NEW)
    assert (swap.slot, swap.from_slot, swap.version, swap.data) == (other, slot, "1.1.0", "")
    assert read_swap(swap.as_asked()) == swap
    after = as_it_will_be(community, swap)
    assert (after.release, after.slot, after.id) == (NEW, other, community.id)
    assert (community.release, community.slot) == (OLD, slot), "nothing was changed"
    assert not is_carried_out(community, swap)
    assert is_carried_out(after, swap)


@pytest.mark.parametrize(("readable_by", "can"), [("1.0.0", True), ("1.0.1", False), (None, False)])
def test_a_rollback_needs_the_old_data_only_where_the_new_cannot_be_read(readable_by, can):
    told = {"version": "1.1.0", "readable_by": readable_by}
    running = make_release(recipe=make_release().recipe.model_copy(update=told))
    community = living("b", release=NEW, version="1.1.0", before=OLD, snapshot="kept")
    assert can_read_on(community, running) is can
    for as_it_was, data in ((True, "kept"), (False, "")):
        swap = plan_rollback(community, as_it_was=as_it_was)
        assert (swap.release, swap.from_release, swap.slot, swap.data) == (OLD, NEW, "a", data)


def made(version, upgrade_from="1.0.0"):
    told = {"version": version, "upgrade_from": upgrade_from}
    return make_release(recipe=make_release().recipe.model_copy(update=told))


def test_steps_go_up_only_and_never_over_one_that_has_to_be_between():
    published = {v: made(v, f) for v, f in (("1.2.0", "1.0.0"), ("2.0.0", "1.2.0"))}
    assert find_step("1.0.0", published, published.__getitem__).version == "1.2.0"
    assert find_step("1.2.0", published, published.__getitem__).version == "2.0.0"
    assert find_step("2.0.0", published, published.__getitem__) is None
    assert "not newer" in judge_step("2.0.0", published["1.2.0"])
    assert "takes over from 1.2.0" in judge_step("1.1.9", published["2.0.0"])
    assert judge_step("1.10.0", published["2.0.0"]) == ""


@pytest.mark.parametrize(
    ("preset", "front"),
    [
        (Preset.FAMILY, 404),
        (Preset.SOLO, 404),
        (Preset.CLUB, 200),
        (Preset.PUBLIC, 200),
    ],
)
def test_a_stranger_meets_what_was_promised(preset, front):
    probes = plan_probes(PRESETS[preset])
    assert (probes[0].path, probes[0].status) == ("/", front)
    assert all(probe.promise for probe in probes)


def test_whoever_connects_to_nobody_answers_nobody():
    alone = PRESETS[Preset.FAMILY]
    assert {p.path.split("?")[0] for p in plan_probes(alone)} == {
        "/",
        "/.well-known/webfinger",
        "/.well-known/nodeinfo",
    }
    open_ = alone.model_copy(update={"connections": Connections.OPEN})
    assert len(plan_probes(open_)) == 1
