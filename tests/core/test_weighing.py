"""Who is weighed when, and what the job that does it may touch."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from provisioner.core.weighing import A_JOB, choose_due, plan_weigh_all, plan_weigh_one
from tests.core.test_planning import PLACE, make_community

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
NIGHT = datetime(2026, 3, 10, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def living(name, weighed_at=NIGHT + MINUTE, told=0, quota=None):
    community = make_community()
    community.id, community.created_at = name, NOON - timedelta(days=9)
    community.weighed_at, community.told_quota_mb, community.quota_mb = weighed_at, told, quota
    return community


def due(communities, now=NOON, default=0):
    return [each.id for each in choose_due(communities, now, default)]


def test_once_a_night_and_the_longest_not_weighed_first():
    communities = [
        living("done"),
        living("late", NIGHT - MINUTE),
        living("later", NIGHT - 2 * MINUTE),
        living("never", None, None),
    ]
    assert due(communities) == ["never", "later", "late"]
    assert due([living("a", NIGHT)], NIGHT) == []


def test_a_limit_that_the_app_does_not_know_is_told_at_once():
    assert due([living("a", told=0, quota=500)]) == ["a"]
    assert due([living("a", told=500, quota=None)], default=0) == ["a"]
    assert due([living("a", told=500, quota=None)], default=500) == []
    assert due([living("a", told=None)]) == ["a"], "it did not work the last time"


def test_ten_thousand_are_a_hundred_jobs_a_night():
    left = [living(f"{n:032}", NIGHT - MINUTE) for n in range(10_000)]
    jobs = 0
    while batch := choose_due(left, NOON, 0):
        assert len(batch) <= A_JOB
        for each in batch:
            each.weighed_at = NOON
        jobs += 1
    assert jobs == 100


def test_its_report_fits_into_one_line_of_a_log():
    """Docker cuts lines at 16 KB; an argument of a program may have 128 KB."""
    wish = {"f" * 32: ["x" * 70, 10**8]}
    assert len(json.dumps(wish)) * A_JOB < 120_000
    row = {"f" * 32: [10**14, 10**14, 10**14, 10**8]}
    assert len(json.dumps(row)) * A_JOB < 16_000


def test_it_can_change_nothing_but_the_doors():
    job = plan_weigh_all([living("a", quota=70), living("b")], 500, PLACE).service
    assert {m.source: m.read_only for m in job.mounts} == {
        PLACE.communities_dir: True,
        PLACE.backup_dir: True,
        PLACE.edge_dir: False,
    }
    assert job.capabilities == ("CAP_DAC_OVERRIDE",)
    assert job.secrets == ()
    host = "smith-family.localhost"
    assert json.loads(job.command[-1]) == {"a": [host, 70], "b": [host, 500]}


def test_one_alone_has_a_job_of_its_own():
    """Else whoever asks for one would end the job that weighs all."""
    one, all_ = plan_weigh_one(living("a"), 0, PLACE), plan_weigh_all([living("a")], 0, PLACE)
    assert one.service.name.endswith("-weigh")
    assert one.service.name != all_.service.name
