"""Papers are published beside the release, signed by the builder, and checked by who reads."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tuf.api.metadata import Metadata, TargetFile, Targets

from provisioner.adapters.release_inspection import verify_repository
from provisioner.adapters.release_sources import FolderSource
from provisioner.core.appraisal.dsse import append_signature, read_envelope, seal
from provisioner.core.provenance import digest_of
from provisioner.errors import KeyMissing, KeyRefused, ReleaseRejected
from provisioner.models.evidence import PAYLOAD_TYPE
from provisioner.models.manifest import root_of
from provisioner.models.release import BUILDER_FIELD, Image, Release
from provisioner.publishing.bom import plan_bom
from provisioner.publishing.listing import list_releases
from provisioner.publishing.papers import Papers
from provisioner.publishing.provenance import plan_statement
from provisioner.publishing.publish import publish_release
from provisioner.publishing.publisher import Publisher
from tests.publishing.place import (
    APP,
    MANIFEST,
    NOW,
    contents_of,
    forge,
    publisher_in,
    reader_of,
    release_of,
    run_until_killed,
)

OTHER = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)


def papered(version: str) -> tuple[Release, Papers]:
    """A release whose image names its papers, and those."""
    plain = release_of(version)
    image = plain.images["taarafo"]
    papers = Papers(
        plan_bom("taarafo", version, image.digest, []),
        plan_statement(
            subject=image.repository,
            digest=image.digest,
            recipe=plain.recipe,
            image="taarafo",
            source=plain.source,
            materials=[],
        ),
    )
    named = {"sbom": digest_of(papers.sbom), "provenance_statement": digest_of(papers.statement)}
    return plain.model_copy(update={"images": {"taarafo": image.model_copy(update=named)}}), papers


def publish_papered(publisher: Publisher, version: str = "1.1.0") -> Release:
    release, papers = papered(version)
    manifests = {root_of(MANIFEST): MANIFEST}
    publish_release(publisher, release, manifests, papers={"taarafo": papers}, now=NOW)
    return release


def problems_of(publisher: Publisher) -> tuple[str, ...]:
    source = FolderSource(publisher.repository.folder)
    return verify_repository(source, root=publisher.shipped_root.read_bytes()).problems


def entry_of(publisher: Publisher, target: str) -> TargetFile:
    return publisher.read_state().roles[APP].signed.targets[target]


def test_the_papers_are_targets_beside_the_release(publisher: Publisher, tmp_path: Path) -> None:
    release = publish_papered(publisher)
    folder = "app/taarafo/stable/1.1.0"
    targets = publisher.read_state().roles[APP].signed.targets
    assert {path for path in targets if path.startswith(folder)} == {
        f"{folder}/release.json",
        f"{folder}/taarafo.cdx.json",
        f"{folder}/taarafo.provenance.dsse",
    }
    assert problems_of(publisher) == ()
    reader = reader_of(publisher, tmp_path / "cache")
    envelope = read_envelope(reader.get_provenance(release, "taarafo"))
    assert envelope.payload_type == PAYLOAD_TYPE
    assert digest_of(envelope.payload) == release.images["taarafo"].provenance_statement
    builder = (publisher.ring.home / "builder-1.pem").stat()
    assert builder.st_mode & 0o777 == 0o600


def test_papers_are_no_releases(publisher: Publisher, tmp_path: Path) -> None:
    publish_papered(publisher)
    assert [one.version for one in list_releases(publisher)] == ["1.0.0", "1.1.0"]
    assert reader_of(publisher, tmp_path / "cache").list("taarafo") == ["1.0.0", "1.1.0"]
    found = verify_repository(
        FolderSource(publisher.repository.folder), root=publisher.shipped_root.read_bytes()
    )
    assert [path.split("/")[3] for path in found.releases] == ["1.0.0", "1.1.0"]
    assert [bool(image.statement) for image in found.images] == [False, True]


def test_a_release_from_before_there_were_papers_is_still_read(publisher: Publisher) -> None:
    text = json.loads(release_of("1.0.0").to_bytes())
    for image in text["images"].values():
        del image["sbom"], image["provenance_statement"]
    old = Release.from_bytes(json.dumps(text).encode())
    assert old == release_of("1.0.0")
    assert old.images["taarafo"].sbom == ""
    with pytest.raises(ValueError, match="pattern"):
        Image.model_validate(old.images["taarafo"].model_dump() | {"sbom": "sha1:0"})


def test_publishing_again_changes_nothing(publisher: Publisher) -> None:
    publish_papered(publisher)
    before = contents_of(publisher.repository.folder)
    (publisher.ring.home / "builder-1.pem").unlink()
    publish_papered(publisher)
    assert contents_of(publisher.repository.folder) == before


@pytest.mark.parametrize("wrong", ["none", "sbom", "statement", "about", "extra"])
def test_papers_that_are_not_those_named_are_refused(publisher: Publisher, wrong: str) -> None:
    release, papers = papered("1.1.0")
    held = {"taarafo": papers}
    if wrong == "none":
        held = {}
    elif wrong == "sbom":
        held["taarafo"] = Papers(papers.sbom + b" ", papers.statement)
    elif wrong == "statement":
        held["taarafo"] = Papers(papers.sbom, papers.statement + b" ")
    elif wrong == "about":
        other = papered("1.2.0")[1]
        image = release.images["taarafo"].model_copy(
            update={"provenance_statement": digest_of(other.statement)}
        )
        release = release.model_copy(update={"images": {"taarafo": image}})
        held["taarafo"] = Papers(papers.sbom, other.statement)
    else:
        release = release_of("1.1.0")
    before = contents_of(publisher.repository.folder)
    with pytest.raises(ReleaseRejected):
        publish_release(publisher, release, {root_of(MANIFEST): MANIFEST}, papers=held, now=NOW)
    assert contents_of(publisher.repository.folder) == before


def test_a_builders_key_that_was_moved_away_is_not_made_anew(publisher: Publisher) -> None:
    publish_papered(publisher)
    path = publisher.ring.home / "builder-1.pem"
    path.rename(stick := publisher.ring.home.parent / "stick.pem")
    before = contents_of(publisher.repository.folder)
    with pytest.raises(KeyMissing) as caught:
        publish_papered(publisher, "1.2.0")
    assert "Missing: builder-1.pem." in caught.value.explain()
    assert contents_of(publisher.repository.folder) == before
    assert not path.exists()
    stick.rename(path)
    publish_papered(publisher, "1.2.0")
    assert problems_of(publisher) == ()


@pytest.mark.parametrize("name", ["root-1.pem", f"{APP}-1.pem", "timestamp-1.pem"])
def test_a_copy_of_another_key_builds_nothing(publisher: Publisher, name: str) -> None:
    shutil.copy(publisher.ring.home / name, publisher.ring.home / "builder-1.pem")
    with pytest.raises(KeyRefused) as caught:
        publish_papered(publisher)
    assert "are the same key" in caught.value.explain()
    assert len(list_releases(publisher)) == 1


def replace_target(publisher: Publisher, target: str, content: bytes, builder: str = "") -> None:
    """What a thief of the app's key can do: sign for other bytes under a path."""

    def change(metadata: Metadata[Targets]) -> None:
        entry = TargetFile.from_data(target, content)
        entry.unrecognized_fields[BUILDER_FIELD] = builder or str(
            metadata.signed.targets[target].unrecognized_fields.get(BUILDER_FIELD, "")
        )
        metadata.signed.targets[target] = entry
        publisher.repository.write_target(entry, content)

    forge(publisher, APP, change)


@pytest.mark.parametrize(
    ("attack", "problem"),
    [
        ("sbom", "its bill of materials is another one than the release names"),
        ("payload", "its provenance is another one than the release names"),
        ("signer", "its builder did not sign its provenance"),
        ("kind", "its provenance is signed as something else"),
        ("bytes", "its provenance cannot be used: it is not JSON"),
        ("builder", "its provenance cannot be used"),
    ],
)
def test_papers_that_were_exchanged_are_found(
    publisher: Publisher, tmp_path: Path, attack: str, problem: str
) -> None:
    release, papers = publish_papered(publisher), papered("1.1.0")[1]
    target = release.provenance_target("taarafo")
    if attack == "sbom":
        replace_target(publisher, release.sbom_target("taarafo"), papers.sbom + b" ")
    elif attack == "payload":
        replace_target(publisher, target, seal(PAYLOAD_TYPE, papers.statement + b" ", OTHER))
    elif attack == "signer":
        replace_target(publisher, target, seal(PAYLOAD_TYPE, papers.statement, OTHER))
    elif attack == "kind":
        public = base64.b64encode(OTHER.public_key().public_bytes_raw()).decode()
        replace_target(publisher, target, seal("text/plain", papers.statement, OTHER), public)
    elif attack == "bytes":
        replace_target(publisher, target, b"nothing")
    else:
        replace_target(publisher, target, seal(PAYLOAD_TYPE, papers.statement, OTHER), "AAAA")
    assert [problem in found for found in problems_of(publisher)] == [True]
    if attack != "sbom":
        with pytest.raises(ReleaseRejected, match="release-rejected") as caught:
            reader_of(publisher, tmp_path / "cache").get_provenance(release, "taarafo")
        assert problem in caught.value.explain()


def test_papers_that_are_gone_are_found(publisher: Publisher) -> None:
    release = publish_papered(publisher)

    def drop(metadata: Metadata[Targets]) -> None:
        del metadata.signed.targets[release.sbom_target("taarafo")]

    forge(publisher, APP, drop)
    assert len(problems_of(publisher)) == 1


def test_more_signatures_do_not_change_the_release(publisher: Publisher) -> None:
    release = publish_papered(publisher)
    target = release.provenance_target("taarafo")
    entry = entry_of(publisher, target)
    raw = (publisher.repository.targets / entry.get_prefixed_paths()[0]).read_bytes()
    replace_target(publisher, target, append_signature(raw, OTHER))
    assert problems_of(publisher) == ()


def test_killed_while_publishing_papers_readers_see_all_or_nothing(
    publisher: Publisher, tmp_path: Path
) -> None:
    publish_papered(publisher)  # makes the builder's key
    saved, point, killed = publisher.ring.home.parent, 0, True
    while killed:
        point += 1
        folder = tmp_path / str(point)
        shutil.copytree(saved, folder)
        here = publisher_in(folder)
        killed = run_until_killed(lambda h=here: publish_papered(h, "1.2.0"), point)
        assert problems_of(here) == ()
        publish_papered(here, "1.2.0")
        assert problems_of(here) == ()
    assert point == 26  # each file twice, and the last one of the log
