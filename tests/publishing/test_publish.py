"""Publishing releases and keeping their signatures fresh."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest

from provisioner.errors import (
    KeyMissing,
    KeyRefused,
    NotEnoughRoom,
    ReleaseExists,
    ReleaseRejected,
    Unavailable,
)
from provisioner.files import locked
from provisioner.models.manifest import root_of
from provisioner.publishing.create import create_publisher
from provisioner.publishing.listing import find_newest, list_releases
from provisioner.publishing.publish import publish_release
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.renew import refresh_online, renew_signatures
from tests.publishing.place import (
    APP,
    MANIFEST,
    NOW,
    OWN,
    begin,
    contents_of,
    current_file,
    flip,
    publish,
    publisher_in,
    reader_of,
    release_of,
)


def test_the_same_release_again_changes_nothing(publisher: Publisher) -> None:
    before = contents_of(publisher.repository.folder)
    publish(publisher, "1.0.0", NOW + timedelta(days=1))
    assert contents_of(publisher.repository.folder) == before


def test_a_published_version_is_never_replaced(publisher: Publisher) -> None:
    before = contents_of(publisher.repository.folder)
    other = release_of("1.0.0", summary="something else")
    with pytest.raises(ReleaseExists) as caught:
        publish_release(publisher, other, {root_of(MANIFEST): MANIFEST}, now=NOW)
    assert "taarafo 1.0.0" in caught.value.explain()
    assert contents_of(publisher.repository.folder) == before


@pytest.mark.parametrize("manifests", [{}, {root_of(MANIFEST): MANIFEST + b"[]\n"}])
def test_a_file_list_that_is_not_the_one_named_is_refused(
    publisher: Publisher, manifests: dict[str, bytes]
) -> None:
    with pytest.raises(ReleaseRejected):
        publish_release(publisher, release_of("1.1.0"), manifests, now=NOW)
    assert len(list_releases(publisher)) == 1


def test_nobody_may_sign_for_an_unknown_app(publisher: Publisher) -> None:
    with pytest.raises(KeyRefused):
        publish_release(
            publisher, release_of("1.0.0", name="chat"), {root_of(MANIFEST): MANIFEST}, now=NOW
        )


def test_releases_are_listed_oldest_first_and_keep_their_floor(publisher: Publisher) -> None:
    publish(publisher, "1.10.0", security_floor="1.9.0")
    publish(publisher, "1.9.0")
    publish(publisher, "1.11.0")
    assert [(one.version, one.security_floor) for one in list_releases(publisher)] == [
        ("1.0.0", "0.0.0"),
        ("1.9.0", "1.9.0"),
        ("1.10.0", "1.9.0"),
        ("1.11.0", "1.9.0"),
    ]
    assert {(one.channel, one.is_self_built) for one in list_releases(publisher)} == {
        ("stable", True)
    }


def test_a_shared_publisher_needs_two_of_three_and_is_not_self_built(tmp_path: Path) -> None:
    publisher = publisher_in(tmp_path)
    create_publisher(publisher, now=NOW, is_self_built=False)
    away = [publisher.ring.home / f"{APP}-{n}.pem" for n in (1, 2)]
    away[0].unlink()
    publish(publisher, "1.0.0")
    assert [one.is_self_built for one in list_releases(publisher)] == [False]
    reader = reader_of(publisher, tmp_path / "cache")
    assert not reader.describe(release_of("1.0.0").target).is_self_built
    away[1].unlink()
    with pytest.raises(KeyMissing):
        publish(publisher, "1.1.0")
    assert reader.list("taarafo") == ["1.0.0"]


def test_two_publishers_at_once_lose_nothing(publisher: Publisher) -> None:
    context = get_context("fork")
    versions = [f"1.{n}.0" for n in range(1, 7)]
    children = [context.Process(target=publish, args=(publisher, one)) for one in versions]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0] * len(children)
    assert [one.version for one in list_releases(publisher)] == ["1.0.0", *versions]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user cannot mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_what_was_published(small_disk: Path, tmp_path: Path) -> None:
    publisher = begin(small_disk, "1.0.0")
    filler = small_disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass
    with pytest.raises(NotEnoughRoom) as caught:
        publish(publisher, "1.1.0")
    assert caught.value.explain() == (
        "There is not enough room on the disk: 0 MB free, 1 MB needed."
    )
    reader = reader_of(publisher, tmp_path / "cache")
    assert reader.list("taarafo") == ["1.0.0"]
    filler.unlink()
    publish(publisher, "1.1.0")
    assert reader.list("taarafo") == ["1.0.0", "1.1.0"]


def test_a_folder_that_stays_taken_is_waited_for_and_then_said(publisher: Publisher) -> None:
    with (
        locked(publisher.repository.folder, part="here"),
        pytest.raises(Unavailable),
        locked(publisher.repository.folder, part="the release list", seconds=0.1),
    ):
        pass


@pytest.mark.parametrize(
    ("later", "renewed"),
    [
        (timedelta(hours=11), ()),
        (timedelta(hours=13), ("timestamp",)),
        (timedelta(days=4), ("snapshot", "timestamp")),
        (timedelta(days=50), ("snapshot", "timestamp")),
    ],
)
def test_online_signatures_are_renewed_at_half_time(
    publisher: Publisher, later: timedelta, renewed: tuple[str, ...]
) -> None:
    assert refresh_online(publisher, now=NOW + later) == renewed
    assert refresh_online(publisher, now=NOW + later) == ()
    state = publisher.read_state()
    assert state.timestamp.signed.expires > NOW + later
    assert state.snapshot.signed.expires > NOW + later


@pytest.mark.parametrize("role", [APP, "targets", "snapshot", "timestamp"])
def test_a_refresh_never_signs_what_was_tampered_with(publisher: Publisher, role: str) -> None:
    flip(current_file(publisher, role), 0.7)
    before = contents_of(publisher.repository.folder)
    with pytest.raises(ReleaseRejected):
        refresh_online(publisher, now=NOW + timedelta(days=6))
    assert contents_of(publisher.repository.folder) == before


def test_everything_is_renewed_while_the_keys_are_here(publisher: Publisher) -> None:
    assert renew_signatures(publisher, now=NOW + timedelta(hours=1)).renewed == ()
    later = NOW + timedelta(days=400)  # all of it expired long ago
    renewal = renew_signatures(publisher, now=later)
    assert sorted(renewal.renewed) == [OWN, APP, "root", "snapshot", "targets", "timestamp"]
    state = publisher.read_state()
    assert state.root.signed.version == 2
    assert all(metadata.signed.expires > later for _, metadata, _ in state.each_role())
    assert renew_signatures(publisher, now=later).renewed == ()


def test_what_cannot_be_renewed_is_said_and_the_rest_is(publisher: Publisher) -> None:
    for number in (1, 2):
        (publisher.ring.home / f"targets-{number}.pem").unlink()
    renewal = renew_signatures(publisher, now=NOW + timedelta(days=46))
    assert sorted(renewal.renewed) == [OWN, APP, "snapshot", "timestamp"]
    (sentence,) = renewal.waiting
    ends = publisher.read_state().targets.signed.expires
    assert "Missing: targets-1.pem, targets-2.pem." in sentence
    assert f"It ends on {ends:%Y-%m-%d}." in sentence


def test_readers_follow_a_renewed_root(publisher: Publisher, tmp_path: Path) -> None:
    reader = reader_of(publisher, tmp_path / "cache")
    reader.list("taarafo")
    renew_signatures(publisher, now=NOW + timedelta(days=200))
    reader.list("taarafo")
    shutil.rmtree(tmp_path / "cache")
    assert reader.list("taarafo") == ["1.0.0"]


def test_the_newest_release_is_found_by_its_version(publisher: Publisher) -> None:
    for version in ("1.10.0", "1.9.0"):
        publish(publisher, version)
    newest = find_newest(publisher, "taarafo", "stable")
    assert newest == release_of("1.10.0")
    assert find_newest(publisher, "control", "stable") is None
    assert find_newest(publisher, "nothing", "stable") is None


def test_a_newest_release_that_is_damaged_is_refused(publisher: Publisher) -> None:
    (stored,) = publisher.repository.targets.rglob("*.release.json")
    flip(stored, 0.5)
    with pytest.raises(ReleaseRejected):
        find_newest(publisher, "taarafo", "stable")
    stored.unlink()
    with pytest.raises(ReleaseRejected):
        find_newest(publisher, "taarafo", "stable")
