"""Beginning a repository: its roles and times, repeated runs, and SIGKILL at every file."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from provisioner.adapters.release_inspection import verify_repository
from provisioner.adapters.release_sources import FolderSource
from provisioner.errors import KeyMissing, KeyRefused, ReleaseRejected
from provisioner.publishing.create import create_publisher
from provisioner.publishing.keys import KeyRing
from provisioner.publishing.publisher import Publisher
from tests.publishing.place import (
    APP,
    NOW,
    OWN,
    begin,
    contents_of,
    current_file,
    flip,
    publish,
    publisher_in,
    run_until_killed,
)


def problems_of(publisher: Publisher) -> tuple[str, ...]:
    source = FolderSource(publisher.repository.folder)
    return verify_repository(source, root=publisher.shipped_root.read_bytes()).problems


def test_roles_thresholds_and_times_are_those_of_the_key_table(tmp_path: Path) -> None:
    state = begin(tmp_path).read_state()
    facts = {
        name: (
            len(above.get_delegated_role(name).keyids),
            above.get_delegated_role(name).threshold,
            metadata.signed.expires - NOW,
        )
        for name, metadata, above in state.each_role()
    }
    assert facts == {
        "root": (3, 2, timedelta(days=365)),
        "targets": (3, 2, timedelta(days=90)),
        APP: (1, 1, timedelta(days=30)),
        OWN: (1, 1, timedelta(days=30)),
        "snapshot": (1, 1, timedelta(days=7)),
        "timestamp": (1, 1, timedelta(days=1)),
    }
    assert state.root.signed.consistent_snapshot
    assert not state.targets.signed.targets  # delegations only


def test_an_app_may_sign_only_its_own_paths(tmp_path: Path) -> None:
    publisher = publisher_in(tmp_path)
    create_publisher(
        publisher, now=NOW, apps=[("taarafo", "stable"), ("chat", "edge")], at_first=()
    )
    delegations = publisher.read_state().targets.signed.delegations
    assert delegations is not None
    roles = dict(delegations.get_roles_for_target("app/chat/edge/1.0.0/release.json"))
    assert list(roles) == ["app-chat-edge"]
    assert len(list(delegations.get_roles_for_target("files/00.jsonl"))) == 2
    assert not list(delegations.get_roles_for_target("app/chat/edge/1.0.0/x/release.json"))


def test_running_again_changes_nothing(tmp_path: Path) -> None:
    publisher = begin(tmp_path)
    before = contents_of(tmp_path)
    assert create_publisher(publisher, now=NOW + timedelta(days=3)) is False
    assert contents_of(tmp_path) == before


def test_killed_at_every_file_the_next_run_finishes(tmp_path: Path) -> None:
    point = 0
    while True:
        point += 1
        folder = tmp_path / str(point)
        publisher = publisher_in(folder)
        killed = run_until_killed(lambda p=publisher: create_publisher(p, now=NOW), point)
        kept = {name: text for name, text in contents_of(folder).items() if name.endswith(".pem")}
        is_begun = publisher.repository.is_begun
        assert create_publisher(publisher, now=NOW) is not is_begun
        after = contents_of(folder)
        assert kept.items() <= after.items(), "a key that was made is kept"
        assert not [name for name in after if name.endswith(".new")]
        assert problems_of(publisher) == ()
        if not killed:
            break
    assert point > 20  # nine keys and six files, each before it is begun and before it is there


def test_killed_while_publishing_readers_see_the_old_or_the_new(
    made_once: Path, tmp_path: Path
) -> None:
    point, killed = 0, True
    while killed:
        point += 1
        shutil.copytree(made_once, tmp_path / str(point))
        publisher = publisher_in(tmp_path / str(point))
        killed = run_until_killed(lambda p=publisher: publish(p, "1.1.0"), point)
        assert problems_of(publisher) == ()
        expected = (2,) if killed and point < 17 else (3,)  # the log's last file comes behind
        assert len(publisher.read_state().roles[APP].signed.targets) in expected
        publish(publisher, "1.1.0")
        assert problems_of(publisher) == ()
        assert len(publisher.read_state().roles[APP].signed.targets) == 3
        assert not [name for name in contents_of(tmp_path / str(point)) if name.endswith(".new")]
    # target, role, tile, bundle, two checkpoints, snapshot, timestamp, two proofs: twice each
    assert point == 22


def test_a_new_app_needs_the_targets_keys(publisher: Publisher) -> None:
    apps = [("taarafo", "stable"), ("chat", "stable")]
    away = [publisher.ring.home / f"targets-{n}.pem" for n in (1, 3)]
    for path in away:
        path.rename(path.with_suffix(".away"))
    with pytest.raises(KeyMissing, match="key-missing") as caught:
        create_publisher(publisher, now=NOW, apps=apps)
    assert "Missing: targets-1.pem, targets-3.pem." in caught.value.explain()
    assert "app-chat-stable" not in publisher.read_state().roles
    away[0].with_suffix(".away").rename(away[0])
    assert create_publisher(publisher, now=NOW, apps=apps)
    assert problems_of(publisher) == ()


def test_two_channels_that_share_a_name_are_refused(publisher: Publisher) -> None:
    create_publisher(publisher, now=NOW, apps=[("taarafo-x", "stable")])
    with pytest.raises(KeyRefused):
        create_publisher(publisher, now=NOW, apps=[("taarafo", "x-stable")])


def test_another_publishers_root_is_never_replaced(tmp_path: Path) -> None:
    begin(tmp_path / "one")
    other = begin(tmp_path / "two")
    foreign = (tmp_path / "one/trust/root.json").read_bytes()
    other.shipped_root.write_bytes(foreign)
    with pytest.raises(KeyRefused):
        create_publisher(other, now=NOW)
    assert other.shipped_root.read_bytes() == foreign


@pytest.mark.parametrize("name", ["1.root.json", "timestamp.json"])
def test_a_repository_that_lost_a_file_is_not_begun_again(publisher: Publisher, name: str) -> None:
    (publisher.repository.metadata / name).unlink()
    before = contents_of(publisher.repository.folder)
    with pytest.raises(ReleaseRejected) as caught:
        create_publisher(publisher, now=NOW)
    assert "put your backup back" in caught.value.explain()
    assert contents_of(publisher.repository.folder) == before


@pytest.mark.parametrize("role", ["root", "targets", APP, "snapshot", "timestamp"])
def test_what_was_tampered_with_is_never_signed_over(publisher: Publisher, role: str) -> None:
    path = current_file(publisher, role)
    flip(path, 0.6)
    before = contents_of(publisher.repository.metadata)
    if role == "root":
        publisher.shipped_root.write_bytes(path.read_bytes())
    with pytest.raises(ReleaseRejected):
        publish(publisher, "1.1.0")
    assert contents_of(publisher.repository.metadata) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_worker_owns_what_it_signs_and_nothing_else(tmp_path: Path) -> None:
    plain = publisher_in(tmp_path)
    ring = KeyRing(plain.ring.folders, online_uid=10001)
    create_publisher(Publisher(ring, plain.repository, plain.shipped_root), now=NOW)
    owned = {path.name for path in tmp_path.rglob("*") if path.stat().st_uid == 10001}
    proofs = {path.name for path in (plain.repository.folder / "log" / "proof").iterdir()}
    folders = {"metadata", "log", "proof", "cache-10001"}
    assert owned == {"snapshot-1.pem", "timestamp-1.pem"} | folders | proofs
