"""The security floor of a channel: it rises, and every reader hears of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.errors import FloorRefused, KeyMissing, KeyRefused, SignaturesMissing
from provisioner.publishing.countersign import sign_waiting
from provisioner.publishing.create import create_publisher
from provisioner.publishing.floor import raise_floor
from provisioner.publishing.listing import list_releases
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.rotate import set_threshold
from tests.publishing.ceremonies import problems_of
from tests.publishing.place import APP, NOW, contents_of, publish, reader_of, release_of


def floors_of(publisher: Publisher) -> list[str]:
    return [listing.security_floor for listing in list_releases(publisher)]


def test_readers_hear_of_a_higher_floor_at_every_release(
    publisher: Publisher, tmp_path: Path
) -> None:
    publish(publisher, "1.2.0")
    reader = reader_of(publisher, tmp_path / "cache")
    assert reader.describe(release_of("1.2.0").target).security_floor == "0.0.0"
    listing = raise_floor(publisher, "taarafo", "stable", "1.2.0", now=NOW)
    assert (listing.version, listing.security_floor) == ("1.2.0", "1.2.0")
    for version in ("1.0.0", "1.2.0"):
        assert reader.describe(release_of(version).target).security_floor == "1.2.0"
        assert reader.get(release_of(version).target) == release_of(version)
    assert problems_of(publisher) == ()


def test_later_releases_keep_it_and_cannot_lower_it(publisher: Publisher) -> None:
    raise_floor(publisher, "taarafo", "stable", "1.0.0", now=NOW)
    publish(publisher, "1.1.0")
    publish(publisher, "1.2.0", security_floor="0.9.0")
    publish(publisher, "1.3.0", security_floor="1.1.0")
    assert floors_of(publisher) == ["1.0.0", "1.0.0", "1.0.0", "1.1.0"]


def test_the_same_floor_again_changes_nothing(publisher: Publisher) -> None:
    raise_floor(publisher, "taarafo", "stable", "1.0.0", now=NOW)
    before = contents_of(publisher.repository.folder)
    raise_floor(publisher, "taarafo", "stable", "1.0.0", now=NOW)
    assert contents_of(publisher.repository.folder) == before


def test_a_floor_may_be_newer_than_all_that_is_published(publisher: Publisher) -> None:
    """Then no version is safe, and that is what everybody should read."""
    listing = raise_floor(publisher, "taarafo", "stable", "1.0.1", now=NOW)
    assert (listing.version, listing.security_floor) == ("1.0.0", "1.0.1")


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("1.1.9", "it is 1.2.0 now and can only rise"),
        ("0.0.0", "it is 1.2.0 now and can only rise"),
        ("1.2.1", "that version is not published; there are 1.0.0, 1.2.0, 1.10.0"),
        ("1.3", "a version is three numbers, such as 1.2.0"),
        ("", "a version is three numbers, such as 1.2.0"),
        ("1.10.0\n", "a version is three numbers, such as 1.2.0"),
        ("newest", "a version is three numbers, such as 1.2.0"),
    ],
)
def test_a_floor_that_cannot_be(publisher: Publisher, version: str, reason: str) -> None:
    publish(publisher, "1.2.0")
    publish(publisher, "1.10.0", security_floor="1.2.0")
    before = contents_of(publisher.repository.folder)
    with pytest.raises(FloorRefused) as caught:
        raise_floor(publisher, "taarafo", "stable", version, now=NOW)
    assert reason in caught.value.explain()
    assert contents_of(publisher.repository.folder) == before


def test_there_must_be_something_to_speak_of(publisher: Publisher) -> None:
    with pytest.raises(KeyRefused):
        raise_floor(publisher, "chat", "stable", "1.0.0", now=NOW)
    create_publisher(publisher, now=NOW, apps=[("chat", "stable")])
    with pytest.raises(FloorRefused) as caught:
        raise_floor(publisher, "chat", "stable", "1.0.0", now=NOW)
    assert "nothing is published yet" in caught.value.explain()


def test_without_the_key_nothing_is_said(publisher: Publisher) -> None:
    (publisher.ring.home / f"{APP}-1.pem").unlink()
    with pytest.raises(KeyMissing):
        raise_floor(publisher, "taarafo", "stable", "1.0.0", now=NOW)
    assert floors_of(publisher) == ["0.0.0"]


def test_a_shared_app_needs_two_for_it(publisher: Publisher, tmp_path: Path) -> None:
    set_threshold(publisher, APP, 2, count=2, now=NOW)
    away = (publisher.ring.home / f"{APP}-2.pem").rename(tmp_path / "second.pem")
    with pytest.raises(SignaturesMissing):
        raise_floor(publisher, "taarafo", "stable", "1.0.0", now=NOW)
    assert floors_of(publisher) == ["0.0.0"]
    shown = sign_waiting(publisher, APP, None, now=NOW)
    assert any("'security_floor': '1.0.0'" in sentence for sentence in shown.changes)
    assert sign_waiting(publisher, APP, away, now=NOW).is_published
    assert floors_of(publisher) == ["1.0.0"]
