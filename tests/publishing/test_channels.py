"""Two channels of one app: keys of their own, one meaning of a version, and the way over."""

from __future__ import annotations

from pathlib import Path

import pytest
from tuf.api.metadata import TargetFile

from provisioner.adapters.release_inspection import verify_repository
from provisioner.adapters.release_sources import FolderSource
from provisioner.errors import KeyMissing, PromotionRefused, ReleaseExists, ReleaseUnknown
from provisioner.models.manifest import root_of
from provisioner.publishing.channels import open_channel
from provisioner.publishing.floor import raise_floor
from provisioner.publishing.promote import promote_release
from provisioner.publishing.publish import publish_release
from provisioner.publishing.publisher import Publisher
from tests.publishing.place import APP, MANIFEST, NOW, begin, forge, publish, reader_of, release_of

EARLY = "app-taarafo-early"


def early_of(version: str, **changes: str):
    return release_of(version, **changes).model_copy(update={"channel": "early"})


def publish_early(publisher: Publisher, version: str, **changes: str) -> None:
    open_channel(publisher, "taarafo", "early", now=NOW)
    manifests = {root_of(MANIFEST): MANIFEST}
    publish_release(publisher, early_of(version, **changes), manifests, now=NOW)


def problems_of(publisher: Publisher) -> tuple[str, ...]:
    root = publisher.shipped_root.read_bytes()
    return verify_repository(FolderSource(publisher.repository.folder), root=root).problems


def test_a_list_from_before_gets_the_channel_with_the_next_publishing(publisher, tmp_path):
    reader = reader_of(publisher, tmp_path / "cache")
    assert reader.list("taarafo", "early") == []
    assert EARLY not in publisher.read_state().roles
    publish_early(publisher, "1.1.0")
    assert reader.list("taarafo", "early") == ["1.1.0"]
    assert reader.list("taarafo") == ["1.0.0"], "nothing of it is in stable"
    assert reader.get(early_of("1.1.0").target).channel == "early"
    assert reader.describe(early_of("1.1.0").target).channel == "early"
    assert open_channel(publisher, "taarafo", "early", now=NOW) is False
    assert problems_of(publisher) == ()


def test_it_needs_the_keys_of_targets_once_and_says_so(publisher):
    for number in (1, 3):
        (publisher.ring.home / f"targets-{number}.pem").rename(publisher.ring.home / f"t{number}")
    with pytest.raises(KeyMissing) as caught:
        publish_early(publisher, "1.1.0")
    assert "targets-1.pem" in caught.value.explain()
    publish(publisher, "1.1.0")
    assert problems_of(publisher) == (), "stable needs none of them"


def test_a_promoted_release_is_the_same_but_for_the_word(publisher, tmp_path):
    publish_early(publisher, "1.1.0")
    before = {path.name for path in publisher.repository.targets.rglob("*") if path.is_file()}
    listing = promote_release(publisher, "taarafo", "1.1.0", now=NOW)
    assert (listing.channel, listing.version) == ("stable", "1.1.0")
    reader = reader_of(publisher, tmp_path / "cache")
    early, stable = reader.get(early_of("1.1.0").target), reader.newest("taarafo")
    assert stable == early.model_copy(update={"channel": "stable"}) == release_of("1.1.0")
    assert reader.get_manifest(stable.images["taarafo"]) == MANIFEST
    after = {path.name for path in publisher.repository.targets.rglob("*") if path.is_file()}
    assert [name for name in after - before if not name.endswith(".release.json")] == []
    again = publisher.read_state().roles[APP].signed.version
    assert promote_release(publisher, "taarafo", "1.1.0", now=NOW) == listing
    assert publisher.read_state().roles[APP].signed.version == again
    assert problems_of(publisher) == ()


def test_what_cannot_be_promoted(publisher):
    for version in ("1.1.0", "1.3.0"):
        publish_early(publisher, version)
    publish(publisher, "1.2.0")
    for version, why in (
        ("1.1.0", "stable has 1.2.0 already"),
        ("1.4.0", "not published in early"),
    ):
        with pytest.raises(PromotionRefused, match="promotion-refused") as caught:
            promote_release(publisher, "taarafo", version, now=NOW)
        assert why in caught.value.explain()
    raise_floor(publisher, "taarafo", "early", "1.4.0", now=NOW)
    with pytest.raises(PromotionRefused) as caught:
        promote_release(publisher, "taarafo", "1.3.0", now=NOW)
    assert "it is not safe to run; 1.4.0 and later are" in caught.value.explain()
    publish_early(publisher, "1.4.0")
    assert promote_release(publisher, "taarafo", "1.4.0", now=NOW).security_floor == "1.4.0"


def test_one_version_means_one_thing_in_both(publisher):
    publish_early(publisher, "1.1.0")
    manifests = {root_of(MANIFEST): MANIFEST}
    with pytest.raises(ReleaseExists):
        publish_release(publisher, release_of("1.1.0", summary="Other"), manifests, now=NOW)
    publish(publisher, "1.1.0")
    with pytest.raises(ReleaseExists):
        publish_early(publisher, "1.0.0", summary="Other")


@pytest.mark.attack("a release of early is offered as stable", "REJECTED")
def test_the_key_of_early_cannot_sign_for_stable(publisher, tmp_path):
    """Its thief names a release as one of stable; whoever reads does not even see it."""
    publish_early(publisher, "1.1.0")
    reader = reader_of(publisher, tmp_path / "cache")
    release = release_of("1.2.0")

    def add(metadata) -> None:
        entry = TargetFile.from_data(release.target, release.to_bytes())
        entry.unrecognized_fields["custom"] = {"channel": "stable", "security_floor": "1.2.0"}
        metadata.signed.targets[release.target] = entry
        publisher.repository.write_target(entry, release.to_bytes())

    forge(publisher, EARLY, add)
    for each in (reader, reader_of(publisher, tmp_path / "new")):
        assert each.list("taarafo") == ["1.0.0"]
        assert each.list("taarafo", "early") == ["1.1.0"]
        with pytest.raises(ReleaseUnknown):
            each.get(release.target)


def test_a_shared_publisher_opens_a_shared_channel(tmp_path: Path):
    publisher = begin(tmp_path)
    assert open_channel(publisher, "chat", "early", now=NOW) is False, "there is no such app"
    open_channel(publisher, "taarafo", "early", now=NOW)
    targets = publisher.read_state().targets.signed
    assert targets.get_delegated_role(EARLY).threshold == 1
    assert targets.get_delegated_role(EARLY).paths == ["app/taarafo/early/*/*", "files/*"]
