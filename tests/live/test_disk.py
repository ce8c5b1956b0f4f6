"""Room on a real disk: limits that hold at once, words that always fit, images that go and stay."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from provisioner.core.idle_images import IDLE_FOR
from provisioner.core.place import door_dir, home_dir, repository_dir
from provisioner.core.quotas import MB
from provisioner.engine.benchmarks.members import Member, join
from provisioner.engine.checks.attest import check_community
from provisioner.engine.context import Context
from provisioner.engine.machine.idle_images import clear_images
from provisioner.engine.operations import run_operation
from provisioner.engine.quota import choose_quota
from provisioner.engine.upgrades.upgrade import request_repeat
from provisioner.engine.weighing import weigh_now
from provisioner.models.operation import OperationState
from provisioner.models.service import JobSpec, JobState, ServiceSpec
from provisioner.models.verdict import Outcome
from tests.app.people import photo
from tests.live.breaking import docker
from tests.live.community import ask, erase, wait_until

pytestmark = pytest.mark.live
DISK_MB = 260
APP_UID = 10100
LARGE_PHOTO = (
    "INSERT INTO photo (id, author_id, position, width, height, bytes, made_at)"
    " VALUES ('large', (SELECT min(id) FROM member), 0, 1, 1, 10000000, 9999999999)"
)


@pytest.fixture(scope="module")
def context(control_plane, state):
    return Context(state)


@pytest.fixture(scope="module")
def family(context):
    """On a disk of its own that is really small."""
    community, operation = ask(context, "The Small Disk")
    home = Path(home_dir(community, context.place))
    home.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "none", home], check=True)
    carry(context, operation)
    yield community
    subprocess.run(["umount", "-l", home], check=True)
    carry(context, erase(context, community))


@pytest.fixture(scope="module", autouse=True)
def neighbour(context):
    """Nobody does anything for it but the worker."""
    community, operation = ask(context, "The Neighbours")
    choose_quota(context, community, "50")
    carry(context, operation)
    yield community
    carry(context, erase(context, community))


@pytest.fixture(scope="module")
def member(context, family) -> Member:
    return join(context, now(context, family), 1)[0]


def now(context, family):
    return context.store.get_community(family.id)


def carry(context, operation):
    """Here, or by the worker, whoever is first."""
    run_operation(context, operation.id)
    ends = (OperationState.DONE, OperationState.FAILED)
    wait_until(lambda: context.store.get_operation(operation.id).state in ends, "it is over")
    ended = context.store.get_operation(operation.id)
    assert ended.state == OperationState.DONE, ended.message


def share(member, text, content=b""):
    """A post with its photo, through the edge: status and page."""
    line = "x" * 30
    fields = {"form": member.word, "text": text, "audience": "community"}
    body = b"".join(
        f'--{line}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    )
    if content:
        body += (
            f'--{line}\r\nContent-Disposition: form-data; name="photos"; filename="a.jpg"\r\n'
            "Content-Type: image/jpeg\r\n\r\n"
        ).encode() + content
        body += b"\r\n"
    connection = http.client.HTTPConnection("127.0.0.1", member.port, timeout=60)
    connection.request(
        "POST",
        "/posts",
        body + f"--{line}--\r\n".encode(),
        {
            "Host": f"{member.host}:{member.port}",
            "Cookie": "; ".join(f"{k}={v}" for k, v in member.cookies.items()),
            "Content-Type": f"multipart/form-data; boundary={line}",
        },
    )
    answer = connection.getresponse()
    page = answer.read().decode("utf-8", "replace")
    connection.close()
    return answer.status, page


def fill(context, family, megabytes):
    """So many MB of data that the app did not count, by name; the caller removes it."""
    filler = Path(home_dir(family, context.place)) / "data" / "filler"
    with filler.open("wb") as file:
        for _ in range(megabytes):
            file.write(b"x" * MB)
    os.chown(filler, APP_UID, APP_UID)
    return filler


def judge_database(context, family):
    """What SQLite says of it, and how many posts it has."""
    database = Path(home_dir(family, context.place)) / "data" / "community.sqlite3"
    ask_it = (
        "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]);"
        "print(db.execute('PRAGMA integrity_check').fetchone()[0]);"
        "print(db.execute('SELECT count(*) FROM post').fetchone()[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", ask_it, str(database)], capture_output=True, text=True, check=True
    )
    said, posts = done.stdout.split()
    return said, int(posts)


def read_quota(context, family, slot):
    path = Path(door_dir(family, context.place)) / slot / "quota"
    return path.read_text().strip() if path.exists() else ""


def test_without_a_limit_photos_are_taken_and_weighed(context, family, member):
    assert share(member, "the first", photo())[0] == 303
    told = weigh_now(context, now(context, family))
    media = Path(home_dir(family, context.place)) / "data" / "media"
    assert told.data_bytes >= sum(file.stat().st_size for file in media.iterdir()) > 0
    assert told.backup_bytes == 0
    assert told.fill_percent is None
    assert read_quota(context, family, "a") == ""


def test_local_backups_are_told_apart(context, family):
    pack = Path(repository_dir(family, context.place)) / "data" / "pack"
    pack.parent.mkdir(parents=True)
    pack.write_bytes(b"x" * MB)
    assert weigh_now(context, now(context, family)).backup_bytes == MB


def test_a_limit_holds_at_once_and_ends_at_once(context, family, member):
    began = time.monotonic()
    choose_quota(context, now(context, family), "10")
    assert weigh_now(context, now(context, family)).told_quota_mb == 10
    print(f"a limit was told in {time.monotonic() - began:.1f} s")
    assert read_quota(context, family, "a") == "10"
    assert share(member, "there is room", photo())[0] == 303
    run_sql(context, family, LARGE_PHOTO)
    status, page = share(member, "a long story", photo())
    assert status == 507
    assert "has used up its room for photos" in page
    assert "a long story" in page
    assert share(member, "only words")[0] == 303
    run_sql(context, family, "DELETE FROM photo WHERE id = 'large'")
    assert share(member, "room again", photo())[0] == 303
    assert check_community(context, family.address).outcome == Outcome.GENUINE


def run_sql(context, family, statement):
    """Beside the app, as another process of its own would."""
    database = Path(home_dir(family, context.place)) / "data" / "community.sqlite3"
    words = (
        "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]);"
        "db.execute(sys.argv[2]); db.commit()"
    )
    subprocess.run(
        [sys.executable, "-c", words, str(database), statement],
        check=True,
    )


def test_on_a_disk_that_is_nearly_full_words_fit_and_the_database_is_whole(context, family, member):
    choose_quota(context, now(context, family), "0")
    weigh_now(context, now(context, family))
    assert read_quota(context, family, "a") == ""
    before = judge_database(context, family)[1]
    filler = fill(context, family, 70)
    try:
        status, page = share(member, "words beside a photo", photo())
        assert status == 507
        assert "There is no room for more photos right now" in page
        assert "words beside a photo" in page
        for number in range(5):
            assert share(member, f"word {number}")[0] == 303
        assert judge_database(context, family) == ("ok", before + 5)
        assert weigh_now(context, now(context, family)).data_bytes > 70 * MB
    finally:
        filler.unlink()
    assert share(member, "room again", photo())[0] == 303


# -- images ----------------------------------------------------------------------------------------


@pytest.fixture
def odd_image(context, state, engine):
    """Ours by name, pushed and kept by digest, and an ended container is still made of it."""
    base, name = context.images["base"], f"{state.registry}/taarafo/odd"
    first = docker(engine, "create", base, "true")
    docker(engine, "commit", "--change", "LABEL odd=yes", first, f"{name}:x")
    docker(engine, "rm", first)
    docker(engine, "push", f"{name}:x")
    (digest,) = docker(
        engine, "image", "inspect", "-f", '{{join .RepoDigests "\\n"}}', f"{name}:x"
    ).split()
    docker(engine, "rmi", f"{name}:x")
    ended = docker(engine, "run", "-d", digest, "true")
    docker(engine, "wait", ended)
    yield digest
    docker(engine, "rm", "-f", ended)


def test_an_image_that_nothing_needs_goes_and_those_that_are_needed_stay(
    context, family, odd_image, engine
):
    running = context.releases.get(now(context, family).release)
    needed = set(context.images.values()) | {
        running.image_reference(context.settings.registry, "taarafo")
    }
    before = {ref for image in context.engine.list_images() for ref in image.references}
    assert odd_image in before
    long_ago = context.clock.now() - IDLE_FOR - timedelta(hours=1)
    context.store.keep_idle_images(dict.fromkeys(before, long_ago))
    assert odd_image in clear_images(context)
    after = {ref for image in context.engine.list_images() for ref in image.references}
    assert odd_image not in after
    assert needed & before == needed & after
    assert needed & after, "what is needed was there"


def test_an_image_in_use_is_not_removed(context, odd_image, engine):
    started = docker(engine, "run", "-d", odd_image, "sleep", "60")
    try:
        (image,) = [i for i in context.engine.list_images() if odd_image in i.references]
        assert image.is_used
        context.store.keep_idle_images({odd_image: context.clock.now() - IDLE_FOR})
        assert odd_image not in clear_images(context)
    finally:
        docker(engine, "rm", "-f", started)


# -- what jobs leave -------------------------------------------------------------------------------


def test_what_removed_jobs_left_goes_and_what_can_still_report_stays(context, engine):
    image, names = context.images["keeper"], ("leftover-one", "leftover-two")
    labels = {"org.taarafo.job": "test"}
    for name in names:
        spec = ServiceSpec(
            name, image, ("true",), user="65534:65534", labels=labels, networks=("host",)
        )
        context.engine.start_job(JobSpec(spec))
        wait_until(lambda each=name: has_succeeded(context, each), "it has ended")
    context.engine.remove_service(names[0])
    try:
        assert [len(containers_of(engine, name)) for name in names] == [1, 1], "Docker keeps both"
        assert context.engine.clear_ended() >= 1
        assert [len(containers_of(engine, name)) for name in names] == [0, 1]
    finally:
        context.engine.remove_service(names[1])
    context.engine.clear_ended()
    assert containers_of(engine, names[1]) == []


def has_succeeded(context, name):
    return context.engine.get_job_state(name) is JobState.SUCCEEDED


def containers_of(engine, name):
    named = f"label=com.docker.swarm.service.name={name}"
    return docker(engine, "ps", "-a", "-q", "--filter", named).split()


# -- by itself -------------------------------------------------------------------------------------


def test_the_worker_weighs_and_tells_by_itself(context, neighbour, engine, state):
    """Every minute, and as soon as it has started: it is killed so that nobody waits here."""
    mine = f"label=com.docker.swarm.service.name={state.stack}-worker"
    docker(engine, "kill", *docker(engine, "ps", "-q", "--filter", mine).split())
    wait_until(lambda: now(context, neighbour).weighed_at, "it was weighed")
    told = now(context, neighbour)
    assert (told.told_quota_mb, read_quota(context, neighbour, "a")) == (50, "50")
    assert 0 < told.data_bytes < 50 * MB
    (disk,) = context.store.list_disks()
    assert 0 < disk.free < disk.total


def test_the_next_version_knows_the_limit_from_its_first_moment(context, neighbour):
    carry(context, request_repeat(context, now(context, neighbour), requested_by="test"))
    assert now(context, neighbour).slot == "b"
    assert read_quota(context, neighbour, "b") == "50"
