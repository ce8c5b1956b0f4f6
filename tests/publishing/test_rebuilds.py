"""Whose rebuilds count: keys, files beside the repository, and what `release verify` tells."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest

from provisioner.core.rebuilders import Rebuilder, RebuildPolicy
from provisioner.engine.context import Context
from provisioner.engine.releases.release import verify_published
from provisioner.errors import KeyMissing, KeyRefused
from provisioner.models.release import Release
from provisioner.publishing.create import create_publisher
from provisioner.publishing.keys import KeyRing, read_private
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.rebuilds import (
    list_rebuilds,
    open_rebuilder,
    read_rebuild_policy,
    write_rebuild,
    write_rebuild_policy,
)
from provisioner.settings import Settings
from tests.publishing import servers
from tests.publishing.place import NOW, publish
from tests.publishing.test_publish_papers import publish_papered


class Place:
    """A control plane with one release that has papers, and one that has none."""

    def __init__(self, folder: Path) -> None:
        self.context = Context(Settings(state=folder))
        self.publisher = Publisher.of(self.context.settings)
        create_publisher(self.publisher, now=NOW)
        publish(self.publisher, "1.0.0")
        self.release: Release = publish_papered(self.publisher, "1.1.0")
        self.trust = self.context.settings.trust_dir

    @property
    def statement(self) -> str:
        return self.release.images["taarafo"].provenance_statement

    def sign(self, file: Path | None = None) -> Path:
        """As `release rebuild` does once the comparison went well."""
        policy = read_rebuild_policy(self.trust)
        who, key = open_rebuilder(self.publisher, policy, file)
        envelope = self.context.releases.get_provenance(self.release, "taarafo")
        path = write_rebuild(self.publisher.repository, self.statement, envelope, key)
        write_rebuild_policy(self.trust, policy.add(who))
        return path

    def told(self, *, ok: bool) -> list[str]:
        rows = verify_published(self.context)
        return [row["sentence"].partition(": ")[2] for row in rows if row["ok"] is ok]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "state")


@pytest.fixture
def ann(tmp_path: Path) -> Path:
    """A key file on a stick."""
    KeyRing((tmp_path / "stick",)).ensure_key("ann", 1)
    return tmp_path / "stick/ann-1.pem"


def test_verify_tells_who_rebuilt(place: Place, ann: Path) -> None:
    assert "image taarafo was built again by no known key." in place.told(ok=True)
    place.sign()
    place.sign(ann)
    both = "image taarafo was built again by 2 of 2 known keys (ann-1.pem, rebuilder-1.pem)."
    assert both in place.told(ok=True)
    assert place.told(ok=False) == []


def test_the_same_key_again_changes_nothing(place: Place, ann: Path) -> None:
    first = place.sign(ann)
    content, policy = first.read_bytes(), read_rebuild_policy(place.trust)
    assert place.sign(ann) == first
    assert first.read_bytes() == content
    assert read_rebuild_policy(place.trust) == policy
    assert list(list_rebuilds(place.publisher.repository, place.statement)) == [first.name]


def test_anybody_can_fetch_a_rebuild_whose_key_she_knows(place: Place, ann: Path) -> None:
    content = place.sign(ann).read_bytes()
    keyid = Rebuilder.of("Ann", read_private(ann)).keyid
    with servers.serve(place.publisher.repository.folder) as (url, _):
        address = f"{url}rebuilds/{place.statement[7:]}/{keyid}.dsse"
        with urllib.request.urlopen(address) as answer:  # noqa: S310 - our own server
            assert answer.read() == content


def test_the_builders_own_key_is_no_second_voice(place: Place) -> None:
    with pytest.raises(KeyRefused) as caught:
        place.sign(place.publisher.ring.home / "builder-1.pem")
    assert "this key has signed it already" in caught.value.explain()
    assert list_rebuilds(place.publisher.repository, place.statement) == {}


def test_a_rebuilders_key_that_was_moved_away_is_not_made_anew(place: Place, ann: Path) -> None:
    place.sign()
    (place.publisher.ring.home / "rebuilder-1.pem").unlink()
    with pytest.raises(KeyMissing) as caught:
        place.sign()
    assert "Missing: rebuilder-1.pem." in caught.value.explain()
    place.sign(ann)


@pytest.mark.parametrize("name", ["root-1.pem", "builder-1.pem"])
def test_a_copy_of_a_signing_key_rebuilds_nothing(place: Place, name: str) -> None:
    home = place.publisher.ring.home
    (home / "rebuilder-1.pem").write_bytes((home / name).read_bytes())
    with pytest.raises(KeyRefused):
        place.sign()


def test_a_file_that_is_no_key_is_refused(place: Place, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no key")
    for path in (tmp_path / "nothing", tmp_path / "text"):
        with pytest.raises(KeyRefused):
            place.sign(path)


def test_the_operator_can_ask_for_more_voices(place: Place, ann: Path) -> None:
    place.sign()
    known = read_rebuild_policy(place.trust).add(Rebuilder.of("Ann", read_private(ann)))
    policy = RebuildPolicy(known.keys, needed=2)
    write_rebuild_policy(place.trust, policy)
    assert sorted(place.told(ok=False)) == [
        "image taarafo was built again by 1 of 2 known keys (rebuilder-1.pem), and 2 are needed.",
        "image taarafo was built again by no known key, and 2 are needed.",
    ]
    place.sign(ann)
    assert len(place.told(ok=False)) == 1, "the release without papers stays alone"
    assert read_rebuild_policy(place.trust) == policy


def test_files_that_prove_nothing_are_told(place: Place, ann: Path) -> None:
    file = place.sign()
    (file.parent / "other.dsse").write_bytes(b"{}")
    assert place.told(ok=False) == [
        "image taarafo: the rebuild other.dsse is about something else."
    ]
    (file.parent / "other.dsse").write_bytes(file.read_bytes())
    assert any("1 of 1 known keys" in each for each in place.told(ok=True))
    write_rebuild_policy(place.trust, RebuildPolicy())
    told = place.told(ok=True)
    assert "image taarafo was built again by no known key." in told
    assert "image taarafo: 2 more rebuilds have no signature that counts here." in told


def test_a_list_of_keys_that_cannot_be_used_is_told(place: Place) -> None:
    (place.trust / "rebuilders.json").write_text("[]")
    assert any("rebuilders.json cannot be used" in each for each in place.told(ok=False))
    with pytest.raises(KeyRefused):
        place.sign()


def test_rebuilds_of_two_releases_with_one_image_lie_apart(place: Place) -> None:
    first = place.sign()
    place.release = publish_papered(place.publisher, "1.2.0")
    second = place.sign()
    assert first.name == second.name
    assert first.parent != second.parent
    assert len([each for each in place.told(ok=True) if "1 of 1 known keys" in each]) == 2
