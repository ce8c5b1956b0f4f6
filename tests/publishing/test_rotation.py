"""Keys replaced: every reader follows, an old key signs nothing more, and SIGKILL hurts nobody."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner

from provisioner.adapters.releases import PublishedReleases
from provisioner.errors import KeyRefused, ReleaseRejected, SignaturesMissing
from provisioner.publishing.create import create_publisher
from provisioner.publishing.keys import KeyRing
from provisioner.publishing.publisher import Publisher, list_keys
from provisioner.publishing.renew import refresh_online, renew_signatures
from provisioner.publishing.rotate import rotate_key, set_threshold
from tests.publishing.ceremonies import (
    ROLES,
    copy_keys,
    forge_with,
    ids_of,
    left_behind,
    list_all_retired,
    problems_of,
    signer_in,
)
from tests.publishing.place import (
    APP,
    NOW,
    contents_of,
    image_of,
    publish,
    publisher_in,
    put_back,
    reader_of,
    run_until_killed,
)

NUMBERS = {"root": 2, "targets": 3, APP: 1, "snapshot": 1, "timestamp": 1}
COUNTS = {"root": 3, "targets": 3, APP: 1, "snapshot": 1, "timestamp": 1}


@pytest.fixture
def reader(publisher: Publisher, tmp_path: Path) -> PublishedReleases:
    """A reader that has seen release 1.0.0."""
    reader = reader_of(publisher, tmp_path / "cache")
    reader.newest("taarafo")
    return reader


@pytest.mark.parametrize("role", ROLES)
def test_every_reader_follows_and_everything_can_be_signed_afterwards(
    publisher: Publisher, reader: PublishedReleases, tmp_path: Path, role: str
) -> None:
    before, state = ids_of(publisher, role), publisher.read_state()
    done = rotate_key(publisher, role, NUMBERS[role], now=NOW)
    assert done.is_published
    assert not done.is_earlier
    after = ids_of(publisher, role)
    changed = [
        number for number, pair in enumerate(zip(before, after, strict=True)) if len({*pair}) > 1
    ]
    assert changed == [NUMBERS[role] - 1], "the others stay, and the order too"
    for name, metadata, _ in publisher.read_state().each_role():
        assert metadata.signed.version >= state.get_role(name)[0].signed.version
    assert problems_of(publisher) == ()
    publish(publisher, "1.1.0")
    for one in (reader, reader_of(publisher, tmp_path / "new")):
        assert one.newest("taarafo").version == "1.1.0"
    later = NOW + timedelta(days=400)
    assert sorted(renew_signatures(publisher, now=later).renewed) == sorted(
        (*ROLES, "app-control-stable")
    )
    assert renew_signatures(publisher, now=later).waiting == ()
    assert not left_behind(publisher)


@pytest.mark.parametrize("role", ROLES)
def test_the_new_key_has_the_old_ones_name_and_the_old_file_is_kept(
    publisher: Publisher, role: str
) -> None:
    path = publisher.ring.home / f"{role}-{NUMBERS[role]}.pem"
    old, keyid = path.read_bytes(), ids_of(publisher, role)[NUMBERS[role] - 1]
    rotate_key(publisher, role, NUMBERS[role], now=NOW)
    assert path.read_bytes() != old
    retired = path.with_name(f"{path.name}.{keyid[:8]}.retired")
    assert retired.read_bytes() == old
    assert {p.stat().st_mode & 0o777 for p in publisher.ring.home.iterdir()} == {0o600}
    assert list(list_all_retired(publisher).values()) == [path.name]
    assert all(fact.is_here for fact in list_keys(publisher))


def test_a_reader_follows_a_chain_of_roots_from_the_shipped_one(
    publisher: Publisher, tmp_path: Path
) -> None:
    shipped = publisher.shipped_root.read_bytes()
    behind = reader_of(publisher, tmp_path / "cache")
    for number, role in enumerate(("root", "root", "timestamp", "root", "root", "targets")):
        rotate_key(publisher, role, number % COUNTS[role] + 1, now=NOW)
        if number == 1:
            behind.newest("taarafo")
    assert publisher.read_state().root.signed.version == 7
    assert publisher.shipped_root.read_bytes() == shipped
    assert (publisher.repository.metadata / "1.root.json").read_bytes() == shipped
    for one in (behind, reader_of(publisher, tmp_path / "new")):
        assert one.newest("taarafo").version == "1.0.0"
    assert create_publisher(publisher, now=NOW) is False, "`up` does not begin again"


@pytest.mark.parametrize("role", [*ROLES, "targets, all three of which must sign"])
def test_killed_at_every_file_readers_see_the_old_or_the_new(
    made_once: Path, tmp_path: Path, role: str
) -> None:
    point, killed, begun = 0, True, tmp_path / "begun"
    shutil.copytree(made_once, begun)
    role, _, all_sign = role.partition(",")
    if all_sign:
        set_threshold(publisher_in(begun), role, COUNTS[role], now=NOW)
    while killed:
        point += 1
        folder = tmp_path / str(point)
        shutil.copytree(begun, folder)
        publisher = publisher_in(folder)
        warm, old = reader_of(publisher, folder / "cache"), ids_of(publisher, role)
        warm.newest("taarafo")
        kept = set(contents_of(publisher.ring.home).values())
        killed = run_until_killed(
            lambda p=publisher: rotate_key(p, role, NUMBERS[role], now=NOW), point
        )
        assert problems_of(publisher) == ()
        assert warm.newest("taarafo").version == "1.0.0"
        assert kept <= set(contents_of(publisher.ring.home).values()), "no key is lost"
        state = publisher.read_state()
        assert all(publisher.ring.has(key) for key in state.root.signed.keys.values())
        assert all(fact.is_here for fact in list_keys(publisher))
        renew_signatures(publisher, now=NOW)  # what `up` does
        is_done = ids_of(publisher, role) != old
        assert len(list_all_retired(publisher)) == is_done
        if not is_done:
            assert killed
            rotate_key(publisher, role, NUMBERS[role], now=NOW)
        assert len(list_all_retired(publisher)) == 1
        publish(publisher, "1.1.0")
        assert problems_of(publisher) == ()
        assert warm.newest("taarafo").version == "1.1.0"
        assert not left_behind(publisher)
    assert point > 16


@pytest.mark.parametrize("role", ["snapshot", "timestamp"])
def test_killed_at_every_file_with_a_lost_key_nothing_wrong_is_believed(
    made_once: Path, tmp_path: Path, role: str
) -> None:
    """A lost key cannot sign along, so between two files readers wait; nobody is misled."""
    point, killed, refused = 0, True, 0
    while killed:
        point += 1
        folder = tmp_path / str(point)
        shutil.copytree(made_once, folder)
        publisher = publisher_in(folder)
        warm = reader_of(publisher, folder / "cache")
        warm.newest("taarafo")
        (publisher.ring.home / f"{role}-1.pem").unlink()
        killed = run_until_killed(lambda p=publisher: rotate_key(p, role, 1, now=NOW), point)
        try:
            assert warm.newest("taarafo").version == "1.0.0"
        except ReleaseRejected:
            refused += 1
        create_publisher(publisher, now=NOW)  # the first that `up` does
        if not list_all_retired(publisher):
            rotate_key(publisher, role, 1, now=NOW)
        publish(publisher, "1.1.0")
        assert warm.newest("taarafo").version == "1.1.0"
        assert problems_of(publisher) == ()
        assert not left_behind(publisher)
    assert refused == 2, "before the root is begun, and before it is there"


@pytest.mark.parametrize(
    ("role", "lost"),
    [
        ("timestamp", ["timestamp-1"]),
        ("snapshot", ["snapshot-1"]),
        (APP, [f"{APP}-1"]),
        ("targets", ["targets-1"]),
        ("root", ["root-1"]),
    ],
)
def test_a_lost_key_is_replaced(
    publisher: Publisher, reader: PublishedReleases, role: str, lost: list[str]
) -> None:
    for name in lost:
        (publisher.ring.home / f"{name}.pem").unlink()
    assert rotate_key(publisher, role, 1, now=NOW).is_published
    publish(publisher, "1.1.0")
    assert reader.newest("taarafo").version == "1.1.0"
    assert all(fact.is_here for fact in list_keys(publisher))
    assert not list(publisher.ring.home.glob("*.retired"))


def test_two_lost_targets_keys_are_replaced_one_by_one(
    publisher: Publisher, reader: PublishedReleases
) -> None:
    for number in (1, 2):
        (publisher.ring.home / f"targets-{number}.pem").unlink()
        assert number == 1 or rotate_key(publisher, "targets", 1, now=NOW).is_published
    assert rotate_key(publisher, "targets", 2, now=NOW).is_published
    rotate_key(publisher, APP, 1, now=NOW)
    assert reader.newest("taarafo").version == "1.0.0"


def test_two_lost_root_keys_end_the_chain_and_nothing_is_changed(publisher: Publisher) -> None:
    for number in (1, 2):
        (publisher.ring.home / f"root-{number}.pem").unlink()
    before = contents_of(publisher.repository.folder)
    done = rotate_key(publisher, "root", 1, now=NOW)
    assert not done.is_published
    assert {one.role for one in done.waiting} == {"root"}
    assert contents_of(publisher.repository.folder) == before
    with pytest.raises(SignaturesMissing) as caught:
        rotate_key(publisher, "timestamp", 1, now=NOW)
    assert "root: 1 of 2 have signed. Not yet: root-1.pem, root-2.pem." in caught.value.explain()
    publish(publisher, "1.1.0")  # what does not wait goes on


# -- thieves ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("pose", [False, True], ids=["own-id", "new-id"])
@pytest.mark.parametrize("role", ROLES)
def test_a_stolen_old_key_signs_nothing_any_more(
    publisher: Publisher, reader: PublishedReleases, tmp_path: Path, role: str, pose: bool
) -> None:
    stolen = copy_keys(publisher, tmp_path / "stolen")
    for number in range(1, COUNTS[role] + 1):
        rotate_key(publisher, role, number, now=NOW)
    assert reader.get_manifest(reader.newest("taarafo").images["taarafo"])
    forge_with(publisher, role, stolen, pose=pose)
    for one in (reader, reader_of(publisher, tmp_path / "new")):
        with pytest.raises(ReleaseRejected) as caught:
            one.newest("taarafo")
        assert "a signature is missing or wrong" in caught.value.explain()
    assert reader.get_manifest(image_of()), "what was verified before can still be used"
    with pytest.raises(ReleaseRejected):
        publisher.read_state()


@pytest.mark.parametrize("role", ROLES)
def test_the_forger_of_these_tests_makes_what_a_reader_accepts(
    publisher: Publisher, reader: PublishedReleases, tmp_path: Path, role: str
) -> None:
    """With the keys that count: else the forgeries above would be rejected for being clumsy."""
    forge_with(publisher, role, copy_keys(publisher, tmp_path / "stolen"))
    assert reader.newest("taarafo").version == "1.0.0"


def test_the_list_of_before_is_refused_by_who_saw_the_new_one(
    publisher: Publisher, reader: PublishedReleases, tmp_path: Path
) -> None:
    old = tmp_path / "old"
    shutil.copytree(publisher.repository.folder, old)
    rotate_key(publisher, "timestamp", 1, now=NOW)
    reader.newest("taarafo")
    put_back(old, publisher.repository.folder)
    with pytest.raises(ReleaseRejected):
        reader.newest("taarafo")


def test_a_reader_that_a_thief_sent_far_ahead_comes_back(
    publisher: Publisher, reader: PublishedReleases, tmp_path: Path
) -> None:
    """Fast-forward: the rotation makes the reader forget the thief's timestamp (TUF 5.3.11)."""
    good = (publisher.repository.metadata / "timestamp.json").read_bytes()
    state = publisher.read_state()
    state.timestamp.signed.version = 2_000_000
    state.timestamp.sign(signer_in(publisher.ring.home / "timestamp-1.pem"))
    publisher.repository.write_metadata("timestamp", state.timestamp)
    assert reader.newest("taarafo").version == "1.0.0"
    (publisher.repository.metadata / "timestamp.json").write_bytes(good)
    with pytest.raises(ReleaseRejected):
        reader.newest("taarafo")
    (publisher.ring.home / "timestamp-1.pem").unlink()  # so that it does not sign along
    rotate_key(publisher, "timestamp", 1, now=NOW)
    assert reader.newest("taarafo").version == "1.0.0"


# -- what is refused -------------------------------------------------------------------------------


def test_what_is_not_there_cannot_be_replaced(publisher: Publisher) -> None:
    before = contents_of(publisher.ring.home.parent)
    for role, number, reason in (
        ("app-chat-stable", 1, "there is no role app-chat-stable; there are root, targets,"),
        ("root", 4, "root has no key called root-4.pem"),
        ("timestamp", 0, "timestamp has no key called timestamp-0.pem"),
    ):
        with pytest.raises(KeyRefused) as caught:
            rotate_key(publisher, role, number, now=NOW)
        assert reason in caught.value.explain()
    assert contents_of(publisher.ring.home.parent) == before


@pytest.mark.parametrize(
    "copied", ["root-1.pem", "targets-2.pem", "snapshot-1.pem", f"{APP}-1.pem"]
)
@pytest.mark.parametrize("role", ["root", APP])
def test_a_copy_of_any_key_is_refused_as_a_new_one(
    publisher: Publisher, copied: str, role: str
) -> None:
    home = publisher.ring.home
    shutil.copy(home / copied, home / f"{role}-1.pem.next")
    before = contents_of(home.parent)
    with pytest.raises(KeyRefused) as caught:
        rotate_key(publisher, role, 1, now=NOW)
    assert "are the same key" in caught.value.explain()
    assert contents_of(home.parent) == before


@pytest.mark.parametrize(("first", "then"), [("root", "root"), ("root", APP), (APP, "targets")])
def test_a_retired_key_does_not_come_back(publisher: Publisher, first: str, then: str) -> None:
    home = publisher.ring.home
    rotate_key(publisher, first, 1, now=NOW)
    (retired,) = home.glob("*.retired")
    shutil.copy(retired, home / f"{then}-1.pem.next")
    with pytest.raises(KeyRefused) as caught:
        rotate_key(publisher, then, 1, now=NOW)
    assert f"{then}-1.pem was taken out of use before and may not come back" in (
        caught.value.explain()
    )


def test_a_retired_key_does_not_come_back_for_a_new_app(publisher: Publisher) -> None:
    home = publisher.ring.home
    rotate_key(publisher, "targets", 1, now=NOW)
    (retired,) = home.glob("*.retired")
    shutil.copy(retired, home / "app-chat-stable-1.pem")
    with pytest.raises(KeyRefused):
        create_publisher(publisher, now=NOW, apps=[("chat", "stable")])
    assert "app-chat-stable" not in publisher.read_state().roles


def test_what_was_tampered_with_is_never_signed_over(publisher: Publisher) -> None:
    path = publisher.repository.metadata / "timestamp.json"
    path.write_bytes(path.read_bytes().replace(b'"version":', b'"version": '))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ReleaseRejected):
        rotate_key(publisher, "timestamp", 1, now=NOW)
    assert not left_behind(publisher)


# -- the worker ------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["snapshot", "timestamp"])
def test_the_worker_goes_on_with_the_file_that_it_has_mounted(
    publisher: Publisher, reader: PublishedReleases, tmp_path: Path, role: str
) -> None:
    """A mount holds on to the file and not to its name: a hard link is the same here."""
    mounted = tmp_path / "mounted/keys"
    mounted.mkdir(parents=True)
    for name in ("snapshot-1.pem", "timestamp-1.pem"):
        os.link(publisher.ring.home / name, mounted / name)
    worker = Publisher(KeyRing((mounted,)), publisher.repository, publisher.shipped_root)
    rotate_key(publisher, role, 1, now=NOW)
    assert refresh_online(worker, now=NOW + timedelta(days=5)) == ("snapshot", "timestamp")
    assert reader.newest("taarafo").version == "1.0.0"
    assert sorted(path.name for path in mounted.iterdir()) == ["snapshot-1.pem", "timestamp-1.pem"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("is_lost", [False, True])
def test_the_worker_owns_the_new_online_key_too(tmp_path: Path, is_lost: bool) -> None:
    plain = publisher_in(tmp_path)
    ring = KeyRing(plain.ring.folders, online_uid=10001)
    publisher = Publisher(ring, plain.repository, plain.shipped_root)
    create_publisher(publisher, now=NOW)
    if is_lost:
        (ring.home / "timestamp-1.pem").unlink()
    rotate_key(publisher, "timestamp", 1, now=NOW)
    rotate_key(publisher, "root", 1, now=NOW)
    owned = {path.name for path in ring.home.iterdir() if path.stat().st_uid == 10001}
    assert owned == {"snapshot-1.pem", "timestamp-1.pem"}


def test_a_key_file_that_was_half_written_is_written_again(publisher: Publisher) -> None:
    """As after a power cut in the middle of putting the new key into place."""
    place = publisher.ring.home / "timestamp-1.pem"
    before = contents_of(publisher.ring.home.parent)
    point = 0
    while True:  # until the new root is there, and the key is not in place yet
        point += 1
        assert run_until_killed(lambda: rotate_key(publisher, "timestamp", 1, now=NOW), point)
        if (publisher.repository.metadata / "2.root.json").exists():
            break
        shutil.rmtree(publisher.ring.home.parent)
        for name, content in before.items():
            path = publisher.ring.home.parent / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    place.write_bytes(place.read_bytes()[:50])
    renew_signatures(publisher, now=NOW)
    assert refresh_online(publisher, now=NOW + timedelta(days=1)) == ("timestamp",)
    assert not left_behind(publisher)


def test_a_new_key_replaces_one_on_a_stick(publisher: Publisher, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    shutil.move(publisher.ring.home / "root-1.pem", stick / "root-1.pem")
    ring = KeyRing((publisher.ring.home, stick))
    both = Publisher(ring, publisher.repository, publisher.shipped_root)
    rotate_key(both, "root", 1, now=NOW)
    assert not (publisher.ring.home / "root-1.pem").exists()
    assert len(list(stick.iterdir())) == 2
    assert all(fact.is_here for fact in list_keys(both))


def test_a_stranger_with_a_key_of_the_same_name_is_not_taken_for_it(publisher: Publisher) -> None:
    path = publisher.ring.home / "root-1.pem"
    path.write_bytes(CryptoSigner.generate_ed25519().private_bytes)
    with pytest.raises(KeyRefused) as caught:
        rotate_key(publisher, "timestamp", 1, now=NOW)
    assert str(path) in caught.value.explain()
    assert [fact.file for fact in list_keys(publisher) if not fact.is_here] == ["root-1.pem"]
