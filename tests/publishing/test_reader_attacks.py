"""Every attack on the release list, mounted for real: rejected, and what was good stays good."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from securesystemslib.signer import CryptoSigner, Signature, SSlibKey
from tuf.api.metadata import Metadata, MetaFile, TargetFile

from provisioner.adapters.release_inspection import verify_repository
from provisioner.adapters.release_sources import FolderSource
from provisioner.adapters.releases import PublishedReleases
from provisioner.core.log_entries import entry_of_metadata
from provisioner.errors import ReleaseExpired, ReleaseRejected, ReleaseUnknown
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.repository import State
from tests.publishing.place import (
    APP,
    begin,
    current_file,
    flip,
    forge,
    image_of,
    long_ago,
    publish,
    put_back,
    reader_of,
    release_of,
    tell_log,
)

ROLES = ["targets", APP, "snapshot", "timestamp"]
TARGET = release_of("1.0.0").target


@pytest.fixture
def reader(publisher: Publisher, tmp_path: Path) -> PublishedReleases:
    """A reader that has seen release 1.0.0."""
    reader = reader_of(publisher, tmp_path / "cache")
    reader.get_manifest(reader.newest("taarafo").images["taarafo"])
    return reader


def assert_rejected(reader: PublishedReleases, publisher: Publisher, tmp_path: Path) -> str:
    """Refused by the reader that knows a good state and by a new one. Returns the reason."""
    new = reader_of(publisher, tmp_path / "new")
    with pytest.raises(ReleaseRejected):
        new.newest("taarafo")
    with pytest.raises(ReleaseRejected) as caught:
        reader.newest("taarafo")
    assert not isinstance(caught.value, ReleaseUnknown)
    assert reader.get_manifest(image_of()), "what was verified before can still be used"
    return caught.value.explain()


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("role", ROLES)
def test_a_changed_byte(
    publisher: Publisher, reader: PublishedReleases, tmp_path: Path, role: str, part: float
) -> None:
    forge(publisher, APP if role == APP else "targets")  # a new state of every file
    path = current_file(publisher, role)
    good = path.read_bytes()
    flip(path, part)
    assert_rejected(reader, publisher, tmp_path)
    path.write_bytes(good)
    assert reader.newest("taarafo").version == "1.0.0"


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff\xfe", b'{"signed": {}}', b"null"])
@pytest.mark.parametrize("role", ["2.root", "timestamp"])
def test_nonsense(
    publisher: Publisher, reader: PublishedReleases, tmp_path: Path, content: bytes, role: str
) -> None:
    path = publisher.repository.metadata / f"{role}.json"
    good = path.read_bytes() if path.exists() else None
    path.write_bytes(content)
    assert_rejected(reader, publisher, tmp_path)
    path.unlink() if good is None else path.write_bytes(good)
    assert reader.newest("taarafo").version == "1.0.0"


@pytest.mark.parametrize("role", ["root", *ROLES])
@pytest.mark.attack("freeze", "STALE")
def test_expired(
    publisher: Publisher, reader: PublishedReleases, tmp_path: Path, role: str
) -> None:
    forge(publisher, role, now=long_ago(role))
    with pytest.raises(ReleaseExpired) as caught:
        reader.newest("taarafo")
    assert "too old" in caught.value.explain()
    with pytest.raises(ReleaseExpired):
        reader_of(publisher, tmp_path / "new").newest("taarafo")
    forge(publisher, role)
    assert reader.newest("taarafo").version == "1.0.0"


@pytest.mark.attack("rollback of everything", "REJECTED")
def test_the_whole_repository_rolled_back(
    publisher: Publisher, reader: PublishedReleases, tmp_path: Path
) -> None:
    saved = tmp_path / "saved"
    shutil.copytree(publisher.repository.folder, saved)
    publish(publisher, "1.1.0")
    newer = tmp_path / "newer"
    shutil.copytree(publisher.repository.folder, newer)
    assert reader.newest("taarafo").version == "1.1.0"
    put_back(saved, publisher.repository.folder)
    with pytest.raises(ReleaseRejected) as caught:
        reader.newest("taarafo")
    assert "an older list was offered" in caught.value.explain()
    put_back(newer, publisher.repository.folder)
    assert reader.newest("taarafo").version == "1.1.0"


@pytest.mark.attack("rollback of the snapshot", "REJECTED")
def test_a_signed_timestamp_that_points_to_an_older_snapshot(
    publisher: Publisher, reader: PublishedReleases
) -> None:
    publish(publisher, "1.1.0")
    reader.list("taarafo")
    old = (publisher.repository.metadata / "2.snapshot.json").read_bytes()

    def point_back(metadata: Metadata[Any]) -> None:
        metadata.signed.snapshot_meta = MetaFile.from_data(2, old, ["sha256"])

    sign_timestamp(publisher, point_back)
    with pytest.raises(ReleaseRejected) as caught:
        reader.newest("taarafo")
    assert "older" in caught.value.explain()


@pytest.mark.parametrize("role", ["targets", APP])
@pytest.mark.attack("rollback of targets", "REJECTED")
def test_a_signed_snapshot_that_points_to_older_targets(
    publisher: Publisher, reader: PublishedReleases, role: str
) -> None:
    forge(publisher, role)
    reader.newest("taarafo")
    old = (publisher.repository.metadata / f"1.{role}.json").read_bytes()
    back = MetaFile.from_data(1, old, ["sha256"])
    forge(publisher, lists=lambda meta: meta.update({f"{role}.json": back}))
    with pytest.raises(ReleaseRejected):
        reader.newest("taarafo")


@pytest.mark.parametrize("role", ["targets", APP])
@pytest.mark.attack("a role is removed", "REJECTED")
def test_a_role_left_out_of_the_snapshot(
    publisher: Publisher, reader: PublishedReleases, tmp_path: Path, role: str
) -> None:
    forge(publisher, lists=lambda meta: meta.pop(f"{role}.json"))
    assert_rejected(reader, publisher, tmp_path)


@pytest.mark.parametrize("role", ["targets", APP, "snapshot"])
@pytest.mark.attack("mix-and-match", "REJECTED")
def test_files_of_two_states_mixed(
    publisher: Publisher, reader: PublishedReleases, tmp_path: Path, role: str
) -> None:
    old = current_file(publisher, role).read_bytes()
    forge(publisher, role)
    path = current_file(publisher, role)
    good = path.read_bytes()
    path.write_bytes(old)
    assert_rejected(reader, publisher, tmp_path)
    path.write_bytes(good)
    assert reader.newest("taarafo").version == "1.0.0"


@pytest.mark.parametrize("role", ["root", "targets"])
@pytest.mark.attack("too few signatures", "REJECTED")
def test_one_signature_where_two_are_needed(
    publisher: Publisher, reader: PublishedReleases, tmp_path: Path, role: str
) -> None:
    forge(publisher, role, unsigned=True)
    reason = assert_rejected(reader, publisher, tmp_path)
    assert "a signature is missing or wrong" in reason


@pytest.mark.parametrize(
    ("spell", "said"),
    [
        (str, "one key is listed twice"),
        (str.upper, "not written in its one right form"),
        (lambda public: f"{public[:2]} {public[2:]}", "not written in its one right form"),
    ],
    ids=["as it is", "in capitals", "with a space"],
)
@pytest.mark.parametrize("role", ["targets", APP])
@pytest.mark.attack("one key signs twice", "REJECTED")
def test_one_key_under_two_names(
    tmp_path: Path, role: str, spell: Callable[[str], str], said: str
) -> None:
    """Both libraries count it twice; the reader does not."""
    publisher = begin(tmp_path, "1.0.0")
    reader = reader_of(publisher, tmp_path / "cache")
    reader.list("taarafo")
    above = "root" if role == "targets" else "targets"

    def list_twice(metadata: Metadata[Any]) -> None:
        signed = metadata.signed
        keys = signed.keys if above == "root" else signed.delegations.keys
        roles = signed.roles if above == "root" else signed.delegations.roles
        key = keys[roles[role].keyids[0]]
        twin = SSlibKey("0" * 64, key.keytype, key.scheme, {"public": spell(key.keyval["public"])})
        keys[twin.keyid] = twin
        roles[role].keyids[:] = [key.keyid, twin.keyid]
        roles[role].threshold = 2

    sign_without_ceremony(publisher, above, list_twice)
    sign_without_ceremony(publisher, role, lambda metadata: None, twin=True)
    for one in (reader, reader_of(publisher, tmp_path / "new")):
        with pytest.raises(ReleaseRejected) as caught:
            one.newest("taarafo")
        assert said in caught.value.explain()


@pytest.mark.attack("a root is skipped", "REJECTED")
def test_a_root_that_skips_a_version(
    publisher: Publisher, reader: PublishedReleases, tmp_path: Path
) -> None:
    forge(publisher, "root")
    forge(publisher, "root")
    metadata = publisher.repository.metadata
    (metadata / "3.root.json").rename(metadata / "2.root.json")
    assert_rejected(reader, publisher, tmp_path)


def test_a_root_of_another_publisher(
    publisher: Publisher, reader: PublishedReleases, tmp_path: Path
) -> None:
    other = begin(tmp_path / "other", "1.0.0")
    put_back(other.repository.folder, publisher.repository.folder)
    assert_rejected(reader, publisher, tmp_path)
    broken = PublishedReleases(
        FolderSource(other.repository.folder), root=b"{}", cache=tmp_path / "broken"
    )
    with pytest.raises(ReleaseRejected):
        broken.list("taarafo")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-1],
        lambda text: text + b" ",
        lambda text: text.replace(b"1.1.0", b"6.6.6"),
        lambda text: b"",
    ],
)
def test_a_changed_release(
    publisher: Publisher, reader: PublishedReleases, spoil: Callable[[bytes], bytes]
) -> None:
    publish(publisher, "1.1.0")
    (path,) = (publisher.repository.targets / "app/taarafo/stable/1.1.0").iterdir()
    good = path.read_bytes()
    path.write_bytes(spoil(good))
    with pytest.raises(ReleaseRejected):
        reader.newest("taarafo")
    assert reader.get(TARGET) == release_of("1.0.0")
    path.write_bytes(good)
    assert reader.newest("taarafo").version == "1.1.0"


def test_a_missing_release(publisher: Publisher, reader: PublishedReleases) -> None:
    publish(publisher, "1.1.0")
    shutil.rmtree(publisher.repository.targets / "app/taarafo/stable/1.1.0")
    with pytest.raises(ReleaseRejected) as caught:
        reader.newest("taarafo")
    assert "missing" in caught.value.explain()


@pytest.mark.parametrize("size", [20_000, 50_000_000])
@pytest.mark.attack("oversized metadata", "REJECTED")
def test_an_oversized_timestamp(
    publisher: Publisher, reader: PublishedReleases, tmp_path: Path, size: int
) -> None:
    path = current_file(publisher, "timestamp")
    good = path.read_bytes()
    path.write_bytes(good + b" " * size)
    reason = assert_rejected(reader, publisher, tmp_path)
    assert "a file is larger than it may be" in reason
    path.write_bytes(good)
    assert reader.newest("taarafo").version == "1.0.0"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (release_of("1.2.0").to_bytes(), "describes another release"),
        (b"{}", "cannot be understood"),
        (b"\xff", "cannot be understood"),
        (b" " * 2_000_000, "larger than it may be"),
    ],
)
def test_a_signed_release_that_makes_no_sense(
    publisher: Publisher, reader: PublishedReleases, content: bytes, reason: str
) -> None:
    target = release_of("1.1.0").target
    entry = TargetFile.from_data(target, content)
    publisher.repository.write_target(entry, content)
    forge(publisher, APP, lambda metadata: metadata.signed.targets.update({target: entry}))
    with pytest.raises(ReleaseRejected) as caught:
        reader.get(target)
    assert reason in caught.value.explain()
    with pytest.raises(ReleaseRejected):
        reader.describe(target)
    found = verify_repository(
        FolderSource(publisher.repository.folder), root=publisher.shipped_root.read_bytes()
    )
    assert len(found.problems) == 1
    assert found.problems[0].startswith(f"{target}: ")


def test_an_app_cannot_sign_for_another(publisher: Publisher, reader: PublishedReleases) -> None:
    release = release_of("1.0.0", name="chat")
    entry = TargetFile.from_data(release.target, release.to_bytes())
    publisher.repository.write_target(entry, release.to_bytes())
    forge(publisher, APP, lambda metadata: metadata.signed.targets.update({entry.path: entry}))
    with pytest.raises(ReleaseUnknown):
        reader.get(release.target)
    assert reader.list("chat") == []


def test_a_walk_names_every_damaged_file(publisher: Publisher) -> None:
    publish(publisher, "1.1.0")
    for path in publisher.repository.targets.rglob("*.json*"):
        flip(path, 0.5)
    source = FolderSource(publisher.repository.folder)
    found = verify_repository(source, root=publisher.shipped_root.read_bytes())
    assert sorted(problem.split(":")[0] for problem in found.problems) == sorted(
        [TARGET, release_of("1.1.0").target, image_of().files_target]
    )
    flip(current_file(publisher, "timestamp"), 0.5)
    (problem,) = verify_repository(source, root=publisher.shipped_root.read_bytes()).problems
    assert "could not be trusted" in problem


def sign_timestamp(publisher: Publisher, change: Callable[[Metadata[Any]], None]) -> None:
    """A new timestamp with its key, and nothing else new."""
    path = current_file(publisher, "timestamp")
    metadata = Metadata.from_bytes(path.read_bytes())
    metadata.signed.version += 1
    change(metadata)
    metadata.sign(signer_of(publisher, "timestamp-1"))
    path.write_bytes(metadata.to_bytes())


def sign_without_ceremony(
    publisher: Publisher, role: str, change: Callable[[Metadata[Any]], None], *, twin: bool = False
) -> None:
    """Sign like a publisher whose tools compare nothing."""
    state = read_unverified(publisher)
    metadata, _ = state.get_role(role)
    metadata.signed.version += 1
    change(metadata)
    metadata.signatures.clear()
    for number in (1, 2):
        path = publisher.ring.home / f"{role}-{number}.pem"
        if path.exists() and not (twin and number > 1):
            metadata.sign(signer_of(publisher, path.stem), append=True)
    if twin:
        (signature,) = metadata.signatures.values()
        metadata.signatures["0" * 64] = Signature("0" * 64, signature.signature)
    content = publisher.repository.write_metadata(role, metadata)
    entry = entry_of_metadata(role, metadata.signed.version, content)
    tell_log(publisher, state.root.signed, entry)
    if role != "root":
        meta = MetaFile.from_data(metadata.signed.version, metadata.to_bytes(), ["sha256"])
        state.snapshot.signed.meta[f"{role}.json"] = meta
        state.snapshot.signed.version += 1
        state.snapshot.sign(signer_of(publisher, "snapshot-1"))
        publisher.repository.write_metadata("snapshot", state.snapshot)
        version, content = state.snapshot.signed.version, state.snapshot.to_bytes()
        point = MetaFile.from_data(version, content, ["sha256"])
        sign_timestamp(publisher, lambda one: setattr(one.signed, "snapshot_meta", point))


def read_unverified(publisher: Publisher) -> State:
    folder = publisher.repository.metadata

    def read(role: str) -> Metadata[Any]:
        files = (
            [folder / "timestamp.json"] if role == "timestamp" else folder.glob(f"*.{role}.json")
        )
        return Metadata.from_bytes(
            max(files, key=lambda path: path.stat().st_mtime_ns).read_bytes()
        )

    root, timestamp, snapshot, targets, app = map(
        read, ("root", "timestamp", "snapshot", "targets", APP)
    )
    return State(root, timestamp, snapshot, targets, {APP: app})


def signer_of(publisher: Publisher, name: str) -> CryptoSigner:
    private = load_pem_private_key((publisher.ring.home / f"{name}.pem").read_bytes(), None)
    return CryptoSigner(private)  # type: ignore[arg-type]


def test_the_forger_of_these_tests_makes_what_a_reader_accepts(
    publisher: Publisher, reader: PublishedReleases
) -> None:
    """Else the attacks above would be rejected for being clumsy."""
    for role in ("root", *ROLES):
        forge(publisher, role)
        assert reader.newest("taarafo").version == "1.0.0"
    sign_without_ceremony(publisher, "targets", lambda metadata: None)
    sign_timestamp(publisher, lambda metadata: None)
    assert reader.newest("taarafo").version == "1.0.0"
    assert json.loads(current_file(publisher, "timestamp").read_bytes())["signed"]["version"] == 8
