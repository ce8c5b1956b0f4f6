"""Which images go: those that nothing needs, after three days, and never the registry's own."""

from __future__ import annotations

from datetime import timedelta

import pytest

from provisioner.core.idle_images import IDLE_FOR, list_references, plan_clearing
from provisioner.models.service import LocalImage
from tests.fakes import START, make_release

REGISTRY = "127.0.0.1:5000"
OWN = f"{REGISTRY}/taarafo/registry@sha256:" + "0" * 64


def ref(letter, name="taarafo", registry=REGISTRY):
    return f"{registry}/taarafo/{name}@sha256:" + letter * 64


def image(*references, used=False):
    return LocalImage(id=references[0][-8:], references=references, is_used=used)


def plan(images, needed=(), since=(), now=START):
    return plan_clearing(
        images, set(needed), dict(since), registry=REGISTRY, registry_image=OWN, now=now
    )


LATER = START + IDLE_FOR


def test_what_nothing_needs_goes_after_three_days_and_not_before():
    old = image(ref("a"))
    first = plan([old])
    assert (first.removed, first.idle) == ((), {ref("a"): START})
    almost = plan([old], since=first.idle, now=LATER - timedelta(seconds=1))
    assert (almost.removed, almost.idle) == ((), first.idle), "it is still idle since then"
    assert plan([old], since=first.idle, now=LATER).removed == (ref("a"),)
    assert plan([old], since=first.idle, now=LATER).idle == {}


def test_what_is_needed_or_used_stays_and_its_time_begins_anew():
    for needed, used in (((ref("a"),), False), ((), True)):
        found = plan([image(ref("a"), used=used)], needed, {ref("a"): START}, LATER)
        assert (found.removed, found.idle) == ((), {})


def test_an_image_that_is_needed_by_one_name_stays_by_all():
    both = image(ref("a"), ref("a", "other"))
    assert plan([both], [ref("a", "other")], {ref("a"): START}, LATER).removed == ()


@pytest.mark.parametrize(
    "foreign",
    [
        "docker.io/library/debian@sha256:" + "a" * 64,
        "127.0.0.1:50001/taarafo/taarafo@sha256:" + "a" * 64,
        f"{REGISTRY}/taarafo/taarafo:latest",
        ref("b", "registry"),
        "<none>@<none>",
    ],
)
def test_what_is_not_ours_to_remove_is_never_named(foreign):
    assert plan([image(foreign)], since={foreign: START}, now=LATER).removed == ()
    assert plan([image(foreign)]).idle == {}


def test_all_images_of_a_release_are_named_as_the_engine_names_them():
    release = make_release()
    assert list_references([release], REGISTRY) == {ref("a")}
