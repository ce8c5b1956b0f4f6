"""Key files: private, never twice the same, and a clear sentence when one is somewhere else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner, SSlibKey

from provisioner.errors import KeyMissing, KeyRefused
from provisioner.publishing.create import create_publisher
from provisioner.publishing.keys import KeyRing, file_of, refuse_twins
from provisioner.publishing.publisher import Publisher, list_keys
from provisioner.publishing.renew import refresh_online
from tests.publishing.place import APP, NOW, OWN, contents_of, publish, publisher_in


def test_each_key_has_a_file_that_only_its_owner_reads(publisher: Publisher) -> None:
    files = sorted(path.name for path in publisher.ring.home.iterdir())
    assert files == [
        f"{OWN}-1.pem",
        f"{APP}-1.pem",
        "log-1.pem",
        *(f"root-{n}.pem" for n in (1, 2, 3)),
        "snapshot-1.pem",
        *(f"targets-{n}.pem" for n in (1, 2, 3)),
        "timestamp-1.pem",
    ]
    assert {path.stat().st_mode & 0o777 for path in publisher.ring.home.iterdir()} == {0o600}
    assert publisher.ring.home.stat().st_mode & 0o777 == 0o700


def test_a_key_is_made_once(tmp_path: Path) -> None:
    ring = KeyRing((tmp_path / "keys",))
    assert ring.ensure_key("root", 1) == ring.ensure_key("root", 1)
    assert ring.ensure_key("root", 1).keyval != ring.ensure_key("root", 2).keyval


def test_a_copied_key_file_is_refused_before_anything_is_signed(tmp_path: Path) -> None:
    publisher = publisher_in(tmp_path)
    publisher.ring.ensure_key("root", 1)
    shutil.copy(tmp_path / "keys/root-1.pem", tmp_path / "keys/root-3.pem")
    with pytest.raises(KeyRefused) as caught:
        create_publisher(publisher, now=NOW)
    assert "root-3.pem and root-1.pem are the same key" in caught.value.explain()
    assert not list(tmp_path.rglob("*.json"))


def test_a_copy_across_roles_is_refused_too(tmp_path: Path) -> None:
    publisher = publisher_in(tmp_path)
    publisher.ring.ensure_key("root", 1)
    shutil.copy(tmp_path / "keys/root-1.pem", tmp_path / f"keys/{APP}-1.pem")
    with pytest.raises(KeyRefused):
        create_publisher(publisher, now=NOW)
    assert not (tmp_path / "releases/metadata/timestamp.json").exists()


def test_two_ids_with_one_value_are_refused() -> None:
    key = CryptoSigner.generate_ed25519().public_key
    twin = SSlibKey("0" * 64, key.keytype, key.scheme, dict(key.keyval))
    refuse_twins([key, key])
    with pytest.raises(KeyRefused):
        refuse_twins([key, twin])


def test_a_missing_key_is_named_with_where_it_was_looked_for(publisher: Publisher) -> None:
    home = publisher.ring.home
    (home / f"{APP}-1.pem").rename(home.parent / "stick.pem")
    before = contents_of(publisher.repository.folder)
    with pytest.raises(KeyMissing) as caught:
        publish(publisher, "1.1.0")
    assert caught.value.explain() == (
        f"Signing {APP} needs 1 of its keys, and 0 could be found. "
        f"Missing: {APP}-1.pem. Looked in {home}."
    )
    metadata = {k: v for k, v in contents_of(publisher.repository.folder).items() if "meta" in k}
    assert metadata == {k: v for k, v in before.items() if "meta" in k}


def test_keys_may_be_in_another_folder(publisher: Publisher, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    publisher.ring.home.rename(stick)
    ring = KeyRing((publisher.ring.home, stick))
    publish(Publisher(ring, publisher.repository, publisher.shipped_root), "1.1.0")
    assert all(
        key.is_here
        for key in list_keys(Publisher(ring, publisher.repository, publisher.shipped_root))
    )


def test_a_file_with_another_key_is_refused(publisher: Publisher) -> None:
    path = publisher.ring.home / f"{APP}-1.pem"
    path.write_bytes(CryptoSigner.generate_ed25519().private_bytes)
    with pytest.raises(KeyRefused, match="key-refused") as caught:
        publish(publisher, "1.1.0")
    assert str(path) in caught.value.explain()


@pytest.mark.parametrize(
    "content", [b"", b"not a key", CryptoSigner.generate_rsa(size=2048).private_bytes]
)
def test_a_file_that_is_no_ed25519_key_is_refused(publisher: Publisher, content: bytes) -> None:
    path = publisher.ring.home / f"{APP}-1.pem"
    path.write_bytes(content)
    with pytest.raises(KeyRefused) as caught:
        publish(publisher, "1.1.0")
    assert str(path) in caught.value.explain()


def test_only_the_online_keys_are_needed_to_refresh(publisher: Publisher) -> None:
    for path in publisher.ring.home.iterdir():
        if not path.name.startswith(("snapshot", "timestamp")):
            path.unlink()
    later = publisher.read_state().snapshot.signed.expires
    assert refresh_online(publisher, now=later) == ("snapshot", "timestamp")
    here = {key.file for key in list_keys(publisher) if key.is_here}
    assert here == {"snapshot-1.pem", "timestamp-1.pem"}


def test_running_again_with_moved_keys_makes_no_new_ones(publisher: Publisher) -> None:
    shutil.rmtree(publisher.ring.home)
    assert create_publisher(publisher, now=NOW) is False
    assert not publisher.ring.home.exists()


def test_a_public_key_remembers_its_file(publisher: Publisher) -> None:
    root = publisher.read_state().root.signed
    assert [file_of(root.keys[keyid]) for keyid in root.roles["root"].keyids] == [
        "root-1.pem",
        "root-2.pem",
        "root-3.pem",
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_who_may_not_read_the_keys_is_told_so(publisher: Publisher) -> None:
    key = next(iter(publisher.read_state().root.signed.keys.values()))
    os.seteuid(65534)
    try:
        with pytest.raises(KeyRefused) as caught:
            publisher.ring.has(key)
    finally:
        os.seteuid(0)
    assert "may not be read by this user" in caught.value.explain()
