"""Weighing, limits and warnings, on fakes that obey the real contracts and on a real database."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from provisioner.core.idle_images import IDLE_FOR
from provisioner.core.quotas import MB
from provisioner.engine.machine.idle_images import clear_images
from provisioner.engine.machine.status import read_status
from provisioner.engine.quota import choose_quota, list_warnings, say_quota
from provisioner.engine.weighing import look_after_room, weigh_due, weigh_now
from provisioner.errors import ReleaseRejected, SaidBadly, Unavailable, WeighingFailed
from provisioner.models.community import Community, CommunityState
from provisioner.models.service import LocalImage
from tests.engine.test_roll_out import make_row
from tests.fakes import make_context, make_release

REGISTRY = "127.0.0.1:5000"


@pytest.fixture
def context(tmp_path):
    context = make_context(tmp_path)
    images = {"base": "b", "control": "c", "keeper": "k", "registry": f"{REGISTRY}/r/registry@x"}
    context.settings.control_plane_file.write_text(json.dumps({"images": images}))
    return context


def add(context, number, **values):
    row = make_row(context, number)
    for name, value in values.items():
        setattr(row, name, value)
    with context.store.session() as session:
        session.add(row)
    return row.id


class Job:
    """What the job on the node would print: it weighs whatever it is asked for."""

    def __init__(self, context, data=50 * MB):
        self.context, self.data, self.asked = context, data, []
        self.tells = True
        self._start = context.engine.start_job
        context.engine.start_job = self.start

    def start(self, job):
        if job.service.name in self.context.engine.jobs:
            return  # as Swarm does: what ended is not started by itself
        wish = json.loads(job.service.command[-1])
        self.asked.append((job.service.name, sorted(wish)))
        weights = {
            id_: [self.data, 2 * MB, 3 * MB, mb if self.tells else None]
            for id_, (_, mb) in wish.items()
        }
        line = json.dumps({"taarafo-report": "weigh", "weights": weights})
        self.context.engine.reports = {job.service.name: line}
        self._start(job)


def get(context, id_) -> Community:
    return context.store.get_community(id_)


def test_all_are_weighed_by_one_job_and_then_nobody_until_the_next_night(context):
    ids = sorted(add(context, n) for n in range(3))
    job = Job(context)
    assert weigh_due(context) == 3
    assert job.asked == [("taarafo-weigh", ids)]
    row = get(context, ids[0])
    assert (row.data_bytes, row.kept_bytes, row.backup_bytes) == (50 * MB, 2 * MB, 3 * MB)
    assert row.weighed_at is not None
    assert row.told_quota_mb == 0
    assert row.fill_percent is None
    assert weigh_due(context) == 0
    context.clock.moment += timedelta(days=1)
    assert weigh_due(context) == 3
    assert context.engine.jobs == {}, "no job is left"


def test_hundreds_take_several_jobs_one_after_another(context):
    for number in range(230):
        add(context, number)
    job = Job(context)
    assert weigh_due(context) == 230
    assert [len(asked) for _, asked in job.asked] == [100, 100, 30]


def test_those_that_do_not_run_are_left_alone(context):
    add(context, 1, state=CommunityState.REMOVED)
    job = Job(context)
    assert weigh_due(context) == 0
    assert job.asked == []


def test_a_changed_limit_is_told_by_the_next_round(context):
    first, second = add(context, 1), add(context, 2)
    job = Job(context)
    weigh_due(context)
    choose_quota(context, get(context, first), "60")
    assert get(context, first).fill_percent == 83
    assert weigh_due(context) == 1
    assert job.asked[-1] == ("taarafo-weigh", [first])
    assert get(context, first).told_quota_mb == 60
    assert get(context, second).told_quota_mb == 0


def test_another_usual_limit_is_told_to_all_who_have_no_own(context):
    usual, own = add(context, 1), add(context, 2, quota_mb=0)
    job = Job(context)
    weigh_due(context)
    context.settings.quota_mb = 100
    assert weigh_due(context) == 1
    assert job.asked[-1][1] == [usual]
    assert get(context, usual).fill_percent == 50
    assert get(context, own).fill_percent is None


def test_one_that_could_not_be_told_ends_no_round_and_is_tried_again(context):
    id_ = add(context, 1, quota_mb=100)
    job = Job(context)
    job.tells = False
    assert weigh_due(context) == 1
    assert get(context, id_).told_quota_mb is None
    job.tells = True
    assert weigh_due(context) == 1
    assert get(context, id_).told_quota_mb == 100


@pytest.mark.parametrize(
    "line",
    [
        "no report at all",
        json.dumps({"taarafo-report": "weigh", "error": "the disk is gone", "detail": "EIO"}),
        json.dumps({"taarafo-report": "weigh"}),
        json.dumps({"taarafo-report": "weigh", "weights": {"c1": [1, 2]}}),
        json.dumps({"taarafo-report": "weigh", "weights": []}),
    ],
)
def test_what_is_no_report_changes_nothing(context, line):
    id_ = add(context, 1)
    context.engine.reports = {"-weigh": line}
    with pytest.raises(WeighingFailed):
        weigh_due(context)
    assert get(context, id_).weighed_at is None
    assert context.engine.jobs == {}


def test_a_job_that_somebody_else_took_away_is_waited_for_no_longer(context):
    add(context, 1)
    context.engine.start_job = lambda _: None
    with pytest.raises(Unavailable):
        weigh_due(context)


def test_what_a_killed_worker_left_behind_is_not_believed(context):
    id_ = add(context, 1)
    job = Job(context, data=1)
    old = Job(context)  # its job is still there, with an older answer
    old.start(plan(context, id_))
    job.data = 7 * MB
    context.engine.start_job = job.start
    weigh_due(context)
    assert get(context, id_).data_bytes == 7 * MB


def plan(context, id_):
    from provisioner.core.weighing import plan_weigh_all

    return plan_weigh_all([get(context, id_)], 0, context.place)


def test_one_can_be_weighed_alone(context):
    id_ = add(context, 1)
    job = Job(context)
    assert weigh_now(context, get(context, id_)).data_bytes == 50 * MB
    ((name, asked),) = job.asked
    assert name.startswith("taarafo-c1-")
    assert asked == [id_]


@pytest.mark.parametrize("wanted", ["", "many", "-1", "9", "5.5", "²0", "1" * 10, "100000001"])
def test_a_quota_that_cannot_be_meant_is_refused(context, wanted):
    id_ = add(context, 1, quota_mb=70)
    with pytest.raises(SaidBadly):
        choose_quota(context, get(context, id_), wanted)
    assert get(context, id_).quota_mb == 70


def test_what_was_chosen_is_said_and_plainly_when_it_is_below_what_is_used(context):
    id_ = add(context, 1, data_bytes=412 * MB)
    community = choose_quota(context, get(context, id_), "500")
    assert say_quota(context, community).endswith("may have 500 MB of data.")
    community = choose_quota(context, community, "100")
    said = say_quota(context, community)
    assert "It has 412 MB already, so it takes no photos until" in said
    assert "nothing is removed" in said
    assert "as much as there is." in say_quota(context, choose_quota(context, community, "0"))
    community = choose_quota(context, community, "default")
    assert community.quota_mb is None
    assert say_quota(context, community).endswith("as is usual here.")


def test_the_operator_is_told_of_the_disk_and_of_communities(context):
    for number in range(7):
        add(context, number, quota_mb=100)
    Job(context, data=85 * MB)
    look_after_room(context)
    (told,) = context.store.list_disks()
    assert (told.name, told.total, told.free) == ("one", 100_000 * 2**20, 50_000 * 2**20)
    said = list_warnings(context)
    assert len(said) == 6
    assert said[-1].startswith("2 more communities have 80 % or more")
    context.room.free = 20_000
    look_after_room(context)
    assert list_warnings(context)[0].startswith("The disk of one is 80 % full")
    status = read_status(context)
    assert status.warnings == tuple(list_warnings(context))
    assert status.warnings[0] in status.as_text()


def test_what_is_not_full_is_no_news(context):
    add(context, 1, quota_mb=100)
    Job(context, data=79 * MB)
    look_after_room(context)
    assert list_warnings(context) == []


# -- images ----------------------------------------------------------------------------------------


def ref(release):
    return release.image_reference(REGISTRY, "taarafo")


def published(version, letter):
    recipe = make_release().recipe.model_copy(update={"version": version})
    image = make_release().images["taarafo"].model_copy(update={"digest": "sha256:" + letter * 64})
    return make_release(recipe=recipe, images={"taarafo": image})


def keep(context, *references):
    context.engine.images = [LocalImage(each, (each,)) for each in references]


def clear_twice(context):
    clear_images(context)
    context.clock.moment += IDLE_FOR
    return clear_images(context)


def test_what_runs_can_be_gone_back_to_or_is_newest_stays_and_the_rest_goes(context):
    versions = {v: published(v, c) for v, c in zip(("1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0"),
                "12345", strict=True)}  # fmt: skip
    for release in versions.values():
        context.releases.publish(release)
    add(
        context,
        1,
        release=versions["1.2.0"].target,
        version="1.2.0",
        before=versions["1.1.0"].target,
    )
    keep(context, *(ref(each) for each in versions.values()))
    assert clear_images(context) == [], "not at once"
    context.clock.moment += IDLE_FOR
    assert clear_images(context) == [ref(versions["1.0.0"]), ref(versions["1.3.0"])]
    kept = {each.id for each in context.engine.images}
    assert kept == {ref(versions[v]) for v in ("1.1.0", "1.2.0", "1.4.0")}
    assert context.store.list_idle_images() == {}


def test_a_version_that_somebody_stays_at_is_kept(context):
    for version, letter in (("1.0.0", "1"), ("1.1.0", "2"), ("1.2.0", "3")):
        context.releases.publish(published(version, letter))
    target = published("1.0.0", "1").target
    add(context, 1, release=target, version="1.0.0", pinned_to="1.1.0")
    keep(context, ref(published("1.1.0", "2")))
    assert clear_twice(context) == []


def test_the_control_planes_own_and_what_services_name_stay(context):
    add(context, 1)
    mine, named = f"{REGISTRY}/t/control@sha256:" + "7" * 64, f"{REGISTRY}/t/x@sha256:" + "8" * 64
    images = {"registry": f"{REGISTRY}/t/registry@sha256:" + "0" * 64, "control": mine}
    context.settings.control_plane_file.write_text(json.dumps({"images": images}))
    context.engine.list_service_images = lambda: {named}
    keep(context, mine, named)
    assert clear_twice(context) == []
    context.engine.list_service_images = lambda: set()
    assert clear_twice(context) == [named]


def test_an_image_that_is_needed_again_has_its_time_before_it(context):
    old, new = published("1.0.0", "1"), published("1.1.0", "2")
    for each in (old, new):
        context.releases.publish(each)
    id_ = add(context, 1, release=new.target, version="1.1.0")
    keep(context, ref(old))
    clear_images(context)
    context.store.change_community(id_, before=old.target)
    clear_images(context)
    context.store.change_community(id_, before="")
    context.clock.moment += IDLE_FOR
    assert clear_images(context) == []
    context.clock.moment += IDLE_FOR
    assert clear_images(context) == [ref(old)]


def test_when_releases_cannot_be_read_nothing_goes(context):
    add(context, 1)
    keep(context, f"{REGISTRY}/t/x@sha256:" + "8" * 64)
    clear_images(context)
    context.clock.moment += IDLE_FOR
    context.releases.error = ReleaseRejected("spoiled", reason="it is not signed")
    with pytest.raises(ReleaseRejected):
        clear_images(context)
    assert len(context.engine.images) == 1
