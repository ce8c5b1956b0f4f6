"""What to do with an upgrade of the control plane: decided without Docker, clock or files."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from provisioner.core.own_upgrade import (
    Journal,
    Next,
    Phase,
    choose_forgotten,
    choose_stale,
    is_decided,
    is_due,
    judge_rows,
    judge_verdict,
    keep_unchanged,
    name_upgrade,
    plan_next,
    read_journal,
    say_lost,
)
from provisioner.models.lineup import Lineup, read_lineup
from provisioner.models.service import FileRef, Limits, Mount, ServiceSpec, Tmpfs
from provisioner.models.verdict import Outcome

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def part(name, release, image="control@sha256:" + "a" * 64):
    return ServiceSpec(
        name=f"taarafo-{name}",
        image=image,
        command=("python3", "-m", name),
        environment={"TAARAFO_STATE": "/run/taarafo"},
        labels={"org.taarafo.release": release, "org.taarafo.service": name},
        mounts=(Mount("/var/lib/taarafo/db", "/run/taarafo/db"),),
        tmpfs=(Tmpfs("/tmp"),),
        secrets=(FileRef("taarafo-master.key", "/run/secrets/master.key", 10001),),
        host_ports=((80, 8080),),
        limits=Limits(512, 2.0, 64),
    )


def lineup(version="1.0.0", revision="0006", **images):
    target = f"app/control/stable/{version}/release.json"
    names = ("registry", "edge", "worker", "web")
    parts = tuple(part(n, target, **({"image": images[n]} if n in images else {})) for n in names)
    return Lineup(target, revision, '{"images": {}}\n', parts)


OLD, NEW = lineup(), lineup("1.0.1", "0007")


def journal(phase, **more):
    return Journal("20260304T050607Z-1.0.0", phase, NOW, OLD, NEW, **more)


def test_what_is_written_down_is_read_as_it_was():
    whole = journal(Phase.PROVING, has_copy=True, rows={"community": 3}, reason="because")
    assert read_journal(whole.as_json()) == whole
    assert read_lineup(OLD.as_json()) == OLD
    for broken in (b"", b"{}", b"[]", b"\xff"):
        with pytest.raises(ValueError, match=r"."):
            read_journal(broken)
        with pytest.raises(ValueError, match=r"."):
            read_lineup(broken)


@pytest.mark.parametrize("phase", list(Phase))
def test_what_the_next_one_does_first(phase):
    decided = {Phase.COMMITTED: Next.FINISH}
    back = {Phase.PUTTING_BACK: Next.PUT_BACK, Phase.RESTORED: Next.PUT_BACK}
    begun = journal(phase, has_copy=True)
    assert plan_next(begun, NEW) is (decided | back).get(phase, Next.GO_ON)
    for other in (None, OLD, replace(NEW, revision="0008"), lineup("1.0.2", "0007")):
        assert plan_next(begun, other) is decided.get(phase, Next.PUT_BACK)
    assert is_decided(begun) is (phase in (Phase.COMMITTED, Phase.RESTORED))


def test_the_edge_alone_stays_under_its_old_name():
    kept = keep_unchanged(NEW, OLD)
    assert kept.get_part("edge") == OLD.get_part("edge")
    assert kept.get_part("web") == NEW.get_part("web")
    other = lineup("1.0.1", "0007", edge="edge@sha256:" + "b" * 64)
    assert keep_unchanged(other, OLD) == other


def test_it_is_due_when_a_part_or_the_database_is_another_one():
    assert not is_due(OLD, OLD)
    assert is_due(OLD, lineup("1.0.1"))
    assert is_due(OLD, replace(OLD, revision="0007"))


def test_rows_that_are_missing_speak_against_it():
    before = {"community": 3, "operation": 5, "rollout": 2}
    assert judge_rows(before, before | {"community": 4}) == ""
    assert judge_rows(before, before | {"rollout": 0}) == "", "what can be made again"
    said = judge_rows(before, before | {"community": 2})
    assert said == "After the migration the database lacked 1 row of community."
    assert judge_rows(before, {"community": 3}).endswith("5 rows of operation.")


@pytest.mark.parametrize(
    ("more", "outcome", "release", "is_good"),
    [
        ({}, Outcome.GENUINE, NEW.release, True),
        ({}, Outcome.GENUINE, OLD.release, False),
        ({}, Outcome.MODIFIED, NEW.release, False),
        ({}, Outcome.OUTDATED, NEW.release, False),
        ({}, Outcome.UNKNOWN, "", False),
        ({"verdict_before": "STALE"}, Outcome.STALE, "", True),
        ({"verdict_before": "STALE"}, Outcome.MODIFIED, NEW.release, False),
        ({"is_published": False}, Outcome.UNVERIFIABLE, "", True),
        ({"is_back": True}, Outcome.OUTDATED, NEW.release, True),
        ({"is_back": True}, Outcome.OUTDATED, OLD.release, False),
        ({"is_back": True}, Outcome.MODIFIED, NEW.release, False),
    ],
)
def test_which_verdicts_speak_against_it(more, outcome, release, is_good):
    said = judge_verdict(journal(Phase.PROVING, **more), outcome, release)
    assert (said == "") is is_good


def test_what_would_be_lost_is_told():
    assert say_lost({"rollout": 3}) == "3 rows of rollout"
    assert say_lost({"rollout": 3, "community": 1}) == "1 row of community and 3 rows of rollout"
    three = say_lost({"a": 1, "b": 2, "c": 3})
    assert three == "1 row of a, 2 rows of b and 3 rows of c"


def test_copies_are_forgotten_but_the_newest_the_young_and_the_needed():
    kept = {f"k{n}": NOW - timedelta(days=n) for n in range(10)}
    assert choose_forgotten(kept, [], NOW) == [f"k{n}" for n in range(3, 10)]
    assert choose_forgotten(kept, ["k7"], NOW) == ["k3", "k4", "k5", "k6", "k8", "k9"]
    young = {f"k{n}": NOW - timedelta(hours=n) for n in range(10)}
    assert choose_forgotten(young, [], NOW) == []
    assert choose_forgotten({}, [], NOW) == []


def test_a_copy_of_the_database_goes_in_time_so_that_what_was_forgotten_stays_forgotten():
    kept = {"young": NOW - timedelta(days=14), "old": NOW - timedelta(days=14, seconds=1)}
    assert choose_stale(kept, 14, NOW) == ["old"]


def test_a_copy_is_named_by_the_time_and_by_what_it_leads_back_to():
    assert name_upgrade(OLD, NOW) == "20260304T050607Z-1.0.0"
