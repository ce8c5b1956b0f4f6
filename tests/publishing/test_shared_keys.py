"""Keys of several holders: how many sign, who is added and taken out, and signing one by one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner

from provisioner.adapters.releases import PublishedReleases
from provisioner.errors import KeyMissing, KeyRefused, ReleaseRejected, SignaturesMissing
from provisioner.publishing.countersign import sign_waiting
from provisioner.publishing.create import create_publisher
from provisioner.publishing.keys import KeyRing
from provisioner.publishing.listing import list_releases
from provisioner.publishing.publisher import Publisher, list_keys
from provisioner.publishing.renew import renew_signatures
from provisioner.publishing.rotate import add_key, remove_key, rotate_key, set_threshold
from provisioner.publishing.settle import Waiting, list_unsigned
from tests.publishing.ceremonies import (
    ids_of,
    left_behind,
    list_all_retired,
    make_holder,
    problems_of,
    write_public,
)
from tests.publishing.place import (
    APP,
    NOW,
    contents_of,
    publish,
    publisher_in,
    reader_of,
    release_of,
    run_until_killed,
)

TARGET = release_of("1.0.0").target


@pytest.fixture
def reader(publisher: Publisher, tmp_path: Path) -> PublishedReleases:
    reader = reader_of(publisher, tmp_path / "cache")
    reader.newest("taarafo")
    return reader


@pytest.fixture
def holders(publisher: Publisher, tmp_path: Path) -> dict[str, Path]:
    """Anna and Ben sign on other machines; with the one key that is here, two must sign."""
    private = {}
    for name in ("anna", "ben"):
        private[name], public = make_holder(tmp_path / name, name)
        add_key(publisher, APP, public, now=NOW)
    private["own"] = publisher.ring.home / f"{APP}-1.pem"
    assert private["own"].exists()
    # the own key and one other: Anna signs the change that asks for two
    begun = set_threshold(publisher, APP, 2, now=NOW)
    assert begun.waiting == (Waiting(APP, 1, 2, ("anna.pem", "ben.pem")),)
    assert sign_waiting(publisher, APP, private["anna"], now=NOW).is_published
    return private


# -- how many --------------------------------------------------------------------------------------


def test_a_self_built_app_becomes_shared(
    publisher: Publisher, reader: PublishedReleases, tmp_path: Path
) -> None:
    assert reader.describe(TARGET).is_self_built
    assert set_threshold(publisher, APP, 2, count=3, now=NOW).is_published
    facts = [fact for fact in list_keys(publisher) if fact.role == APP]
    assert [(fact.file, fact.is_here, fact.threshold) for fact in facts] == [
        (f"{APP}-{number}.pem", True, 2) for number in (1, 2, 3)
    ]
    for one in (reader, reader_of(publisher, tmp_path / "new")):
        assert not one.describe(TARGET).is_self_built
    (publisher.ring.home / f"{APP}-2.pem").unlink()
    publish(publisher, "1.1.0")
    assert reader.newest("taarafo").version == "1.1.0"
    assert problems_of(publisher) == ()


@pytest.mark.parametrize(
    ("role", "threshold", "count", "total"),
    [("root", 3, 0, 3), ("root", 3, 5, 5), ("targets", 1, 0, 3), ("targets", 4, 4, 4)],
)
def test_other_numbers(
    publisher: Publisher,
    reader: PublishedReleases,
    role: str,
    threshold: int,
    count: int,
    total: int,
) -> None:
    assert set_threshold(publisher, role, threshold, count=count, now=NOW).is_published
    rows = [(f.file, f.threshold) for f in list_keys(publisher) if f.role == role]
    assert rows == [(f"{role}-{n}.pem", threshold) for n in range(1, total + 1)]
    assert reader.newest("taarafo").version == "1.0.0"
    assert problems_of(publisher) == ()
    for number in range(1, total + 1):
        assert rotate_key(publisher, role, number, now=NOW).is_published
    assert reader.newest("taarafo").version == "1.0.0"


def test_the_same_numbers_change_nothing(publisher: Publisher) -> None:
    before = contents_of(publisher.ring.home.parent)
    done = set_threshold(publisher, "root", 2, count=3, now=NOW)
    assert done.is_published
    assert not done.roles
    assert contents_of(publisher.ring.home.parent) == before


@pytest.mark.parametrize(
    ("role", "threshold", "count", "reason"),
    [
        ("root", 4, 0, "4 of 3 keys of root cannot sign"),
        ("root", 0, 0, "0 of 3 keys of root cannot sign"),
        ("root", -1, 3, "-1 of 3 keys of root cannot sign"),
        ("root", 1, 2, "root has 3 keys; take one out by its id"),
        ("timestamp", 2, 2, "the worker signs timestamp alone, with one key"),
        ("app-chat-stable", 1, 1, "there is no role app-chat-stable"),
    ],
)
def test_numbers_that_cannot_be(
    publisher: Publisher, role: str, threshold: int, count: int, reason: str
) -> None:
    before = contents_of(publisher.ring.home.parent)
    with pytest.raises(KeyRefused) as caught:
        set_threshold(publisher, role, threshold, count=count, now=NOW)
    assert reason in caught.value.explain()
    assert contents_of(publisher.ring.home.parent) == before


# -- who -------------------------------------------------------------------------------------------


def test_a_key_that_is_taken_out_is_named_by_its_id_and_signs_nothing_more(
    publisher: Publisher, reader: PublishedReleases
) -> None:
    set_threshold(publisher, APP, 2, count=3, now=NOW)
    keyid = ids_of(publisher, APP)[1]
    assert remove_key(publisher, APP, keyid[:8].upper(), now=NOW).is_published
    assert [f.file for f in list_keys(publisher) if f.role == APP] == [
        f"{APP}-1.pem",
        f"{APP}-3.pem",
    ]
    assert (publisher.ring.home / f"{APP}-2.pem.{keyid[:8]}.retired").exists()
    assert not (publisher.ring.home / f"{APP}-2.pem").exists()
    publish(publisher, "1.1.0")
    assert reader.newest("taarafo").version == "1.1.0"
    set_threshold(publisher, APP, 2, count=3, now=NOW)
    assert len(set(ids_of(publisher, APP)) | {keyid}) == 4, "a new key, not the old one"


def test_a_key_cannot_be_taken_out_that_is_needed_or_unclear(publisher: Publisher) -> None:
    before = contents_of(publisher.ring.home.parent)
    (own,) = ids_of(publisher, APP)
    for role, keyid, reason in (
        (APP, own, "would have 0 keys, and 1 of them would have to sign"),
        (APP, own[:5], "has no key with the id"),
        (APP, "", "has no key with the id"),
        ("root", own, "has no key with the id"),
        ("snapshot", ids_of(publisher, "snapshot")[0], "the worker signs snapshot alone"),
    ):
        with pytest.raises(KeyRefused) as caught:
            remove_key(publisher, role, keyid, now=NOW)
        assert reason in caught.value.explain()
    assert contents_of(publisher.ring.home.parent) == before


def test_a_key_that_was_taken_out_does_not_come_back(publisher: Publisher, tmp_path: Path) -> None:
    _, public = make_holder(tmp_path, "anna")
    add_key(publisher, APP, public, now=NOW)
    remove_key(publisher, APP, ids_of(publisher, APP)[1], now=NOW)
    for role in (APP, "targets", "root"):
        with pytest.raises(KeyRefused) as caught:
            add_key(publisher, role, public, now=NOW)
        assert "anna.pem was taken out of use before" in caught.value.explain()
    assert list(list_all_retired(publisher).values()) == ["anna.pem"]


@pytest.mark.parametrize("role", [APP, "targets", "root"])
@pytest.mark.parametrize("known", ["root-1", "targets-2", "timestamp-1", f"{APP}-1"])
def test_a_key_that_is_known_is_not_added_again(
    publisher: Publisher, tmp_path: Path, role: str, known: str
) -> None:
    private = publisher.ring.home / f"{known}.pem"
    for name in (known, "other"):
        public = write_public(private, tmp_path / f"{name}.pub")
        before = contents_of(publisher.ring.home.parent)
        with pytest.raises(KeyRefused):
            add_key(publisher, role, public, now=NOW)
        assert contents_of(publisher.ring.home.parent) == before


def test_two_keys_of_one_name_are_refused(publisher: Publisher, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        _, public = make_holder(tmp_path / folder, "anna")
        if folder == "one":
            add_key(publisher, APP, public, now=NOW)
    with pytest.raises(KeyRefused) as caught:
        add_key(publisher, "root", public, now=NOW)
    assert "two keys would be called anna.pem" in caught.value.explain()


# -- one after the other ---------------------------------------------------------------------------


def test_a_release_waits_for_the_second_signature(
    publisher: Publisher, reader: PublishedReleases, holders: dict[str, Path]
) -> None:
    before = contents_of(publisher.repository.metadata)
    with pytest.raises(SignaturesMissing) as caught:
        publish(publisher, "1.1.0")
    assert f"{APP}: 1 of 2 have signed. Not yet: anna.pem, ben.pem." in caught.value.explain()
    assert f"release keys sign {APP} --key FILE" in caught.value.next_step()
    assert contents_of(publisher.repository.metadata) == before
    assert reader.newest("taarafo").version == "1.0.0"
    with pytest.raises(SignaturesMissing):
        publish(publisher, "1.1.0")
    shown = sign_waiting(publisher, APP, None, now=NOW)
    assert f"{release_of('1.1.0').target} is new." in shown.changes
    assert not shown.is_published
    assert sign_waiting(publisher, APP, holders["ben"], now=NOW).is_published
    assert reader.newest("taarafo").version == "1.1.0"
    assert problems_of(publisher) == ()
    assert not left_behind(publisher)
    publish(publisher, "1.1.0")  # is published, so nothing is begun


def test_a_self_built_release_does_not_wait(publisher: Publisher) -> None:
    (publisher.ring.home / f"{APP}-1.pem").unlink()
    with pytest.raises(KeyMissing) as caught:
        publish(publisher, "1.1.0")
    assert not isinstance(caught.value, SignaturesMissing)
    assert not left_behind(publisher)


def test_signing_twice_counts_once(publisher: Publisher, holders: dict[str, Path]) -> None:
    with pytest.raises(SignaturesMissing):
        publish(publisher, "1.1.0")
    for _ in range(2):
        assert not sign_waiting(publisher, APP, holders["own"], now=NOW).is_published


def test_a_strangers_signature_is_refused(
    publisher: Publisher, holders: dict[str, Path], tmp_path: Path
) -> None:
    stranger, _ = make_holder(tmp_path, "stranger")
    with pytest.raises(KeyRefused) as caught:
        sign_waiting(publisher, APP, holders["anna"], now=NOW)
    assert f"nothing of {APP} waits for a signature" in caught.value.explain()
    with pytest.raises(SignaturesMissing):
        publish(publisher, "1.1.0")
    before = contents_of(publisher.pending)
    for role, key in (
        (APP, stranger),
        (APP, publisher.ring.home / "root-1.pem"),
        (APP, tmp_path / "nowhere.pem"),
        ("root", holders["anna"]),
        ("timestamp", holders["anna"]),
    ):
        with pytest.raises(KeyRefused):
            sign_waiting(publisher, role, key, now=NOW)
    assert contents_of(publisher.pending) == before


def test_what_waits_is_in_nobodys_way(publisher: Publisher, holders: dict[str, Path]) -> None:
    """Another change of the same role is refused; all others go on."""
    with pytest.raises(SignaturesMissing):
        publish(publisher, "1.1.0")
    for ceremony in (
        lambda: rotate_key(publisher, APP, 1, now=NOW),
        lambda: publish(publisher, "1.2.0"),
    ):
        with pytest.raises(SignaturesMissing):
            ceremony()
    later = NOW + timedelta(days=50)
    renewal = renew_signatures(publisher, now=later)
    others = ["app-control-stable", "snapshot", "targets", "timestamp"]
    assert sorted(renewal.renewed) == others
    (sentence,) = renewal.waiting
    assert "has run out" in sentence
    create_publisher(publisher, now=NOW, apps=[("chat", "stable")])
    assert problems_of(publisher) == ()


def test_a_change_can_be_given_up(
    publisher: Publisher, reader: PublishedReleases, holders: dict[str, Path]
) -> None:
    with pytest.raises(SignaturesMissing):
        publish(publisher, "1.1.0")
    shutil.rmtree(publisher.pending)
    assert list_unsigned(publisher) == []
    with pytest.raises(SignaturesMissing):
        publish(publisher, "1.2.0")
    sign_waiting(publisher, APP, holders["anna"], now=NOW)
    assert reader.list("taarafo") == ["1.0.0", "1.2.0"]


def test_a_shared_role_is_kept_alive_by_its_holders(
    publisher: Publisher, reader: PublishedReleases, holders: dict[str, Path]
) -> None:
    later = NOW + timedelta(days=16)
    (sentence,) = renew_signatures(publisher, now=later).waiting
    assert f"Signing {APP} needs 2 of its keys, and 1 could be found." in sentence
    assert "Missing: anna.pem, ben.pem." in sentence
    with pytest.raises(KeyRefused):
        sign_waiting(publisher, APP, publisher.ring.home / "root-1.pem", now=later)
    assert not left_behind(publisher)
    assert sign_waiting(publisher, APP, holders["anna"], now=later).is_published
    assert publisher.read_state().roles[APP].signed.expires == later + timedelta(days=30)
    assert reader.newest("taarafo").version == "1.0.0"


def test_somebody_signs_on_another_machine(
    publisher: Publisher, reader: PublishedReleases, holders: dict[str, Path], tmp_path: Path
) -> None:
    """She has what is public, the waiting change, and her own key; nothing else."""
    with pytest.raises(SignaturesMissing):
        publish(publisher, "1.1.0")
    hers = carry_away(publisher, tmp_path / "hers")
    shown = sign_waiting(hers, APP, None, now=NOW)
    assert f"{release_of('1.1.0').target} is new." in shown.changes
    done = sign_waiting(hers, APP, holders["ben"], now=NOW)
    assert [(row.role, row.missing) for row in done.waiting] == [
        ("snapshot", ("snapshot-1.pem",)),
        ("timestamp", ("timestamp-1.pem",)),
    ]
    shutil.copytree(hers.pending, publisher.pending, dirs_exist_ok=True)
    assert sign_waiting(publisher, APP, None, now=NOW).is_published
    assert reader.newest("taarafo").version == "1.1.0"


def carry_away(publisher: Publisher, folder: Path) -> Publisher:
    """What is copied to another machine to be signed there."""
    hers = publisher_in(folder)
    shutil.copytree(publisher.repository.metadata, hers.repository.metadata)
    shutil.copytree(publisher.pending, hers.pending)
    hers.shipped_root.parent.mkdir()
    shutil.copy(publisher.shipped_root, hers.shipped_root)
    return hers


def test_root_keys_on_three_machines_change_a_root_key(
    publisher: Publisher, reader: PublishedReleases, tmp_path: Path
) -> None:
    """The old and the new threshold: here 2 old ones of which one stays, and the new key."""
    away = tmp_path / "away"
    away.mkdir()
    for number in (1, 2, 3):
        shutil.move(publisher.ring.home / f"root-{number}.pem", away)
    begun = rotate_key(publisher, "root", 1, now=NOW)
    assert [(row.found, row.needed, row.missing) for row in begun.waiting] == [
        (0, 2, ("root-1.pem", "root-2.pem", "root-3.pem")),
        (1, 2, ("root-2.pem", "root-3.pem")),
    ]
    one = sign_waiting(publisher, "root", away / "root-3.pem", now=NOW)
    assert [(row.found, row.missing) for row in one.waiting] == [(1, ("root-1.pem", "root-2.pem"))]
    assert sign_waiting(publisher, "root", away / "root-1.pem", now=NOW).is_published
    assert reader.newest("taarafo").version == "1.0.0"
    assert publisher.read_state().root.signed.version == 2
    assert (publisher.ring.home / "root-1.pem").exists()
    assert not left_behind(publisher)


# -- what comes back -------------------------------------------------------------------------------


def edit(path: Path, change: Callable[[dict], None]) -> None:
    value = json.loads(path.read_bytes())
    change(value["signed"])
    path.write_bytes(json.dumps(value).encode())


def test_what_was_changed_after_it_was_signed_is_not_published(
    publisher: Publisher, reader: PublishedReleases, holders: dict[str, Path]
) -> None:
    with pytest.raises(SignaturesMissing):
        publish(publisher, "1.1.0")
    (path,) = publisher.pending.iterdir()
    edit(path, lambda signed: signed["targets"].pop(release_of("1.1.0").target))
    done = sign_waiting(publisher, APP, holders["ben"], now=NOW)
    assert done.waiting == (Waiting(APP, 1, 2, (f"{APP}-1.pem", "anna.pem")),)
    assert reader.newest("taarafo").version == "1.0.0"


@pytest.mark.parametrize(
    ("rename", "change", "reason"),
    [
        ("19.{role}.json", lambda s: s.update(version=19), "is not the next one"),
        ("", lambda s: s.update(expires="2020-01-01T00:00:00Z"), "has run out"),
        ("", lambda s: s.update(version=1), "is not what its name says"),
        ("6.app-chat-stable.json", lambda s: s.update(version=6), "which is not there"),
        ("6.root.json", lambda s: s.update(version=6), "is not what its name says"),
        ("6.timestamp.json", lambda s: s.update(version=6), "is not a waiting change"),
        ("notes.txt", lambda s: None, "is not a waiting change"),
        ("", lambda s: s.pop("targets"), "cannot be read"),
    ],
)
def test_what_cannot_be_the_next_version_is_refused(
    publisher: Publisher,
    holders: dict[str, Path],
    rename: str,
    change: Callable[[dict], None],
    reason: str,
) -> None:
    with pytest.raises(SignaturesMissing):
        publish(publisher, "1.1.0")
    (path,) = publisher.pending.iterdir()
    edit(path, change)
    if rename:
        path.rename(path.with_name(rename.format(role=APP)))
    before = contents_of(publisher.repository.metadata)
    with pytest.raises(KeyRefused) as caught:
        sign_waiting(publisher, APP, holders["ben"], now=NOW)
    assert reason in caught.value.explain()
    assert contents_of(publisher.repository.metadata) == before
    with pytest.raises(KeyRefused):
        rotate_key(publisher, "root", 1, now=NOW)


def test_two_versions_of_one_role_cannot_both_wait(
    publisher: Publisher, holders: dict[str, Path]
) -> None:
    with pytest.raises(SignaturesMissing):
        publish(publisher, "1.1.0")
    (path,) = publisher.pending.iterdir()
    other = path.with_name(f"77.{APP}.json")
    shutil.copy(path, other)
    edit(other, lambda signed: signed.update(version=77))
    with pytest.raises(KeyRefused) as caught:
        sign_waiting(publisher, APP, holders["ben"], now=NOW)
    assert "two versions of one role" in caught.value.explain()


@pytest.mark.parametrize("is_listed", [True, False])
def test_one_key_twice_in_what_comes_back_is_refused(
    publisher: Publisher, holders: dict[str, Path], tmp_path: Path, is_listed: bool
) -> None:
    """Somebody with one root key proposes a list in which that key counts twice, or could."""
    for number in (2, 3):
        shutil.move(publisher.ring.home / f"root-{number}.pem", tmp_path)
    rotate_key(publisher, "timestamp", 1, now=NOW)
    (path,) = publisher.pending.iterdir()

    def list_twice(signed: dict) -> None:
        first = signed["roles"]["root"]["keyids"][0]
        signed["keys"]["0" * 64] = signed["keys"][first]
        if is_listed:
            signed["roles"]["root"]["keyids"] = [first, "0" * 64]

    edit(path, list_twice)
    with pytest.raises(KeyRefused) as caught:
        sign_waiting(publisher, "root", publisher.ring.home / "root-1.pem", now=NOW)
    assert "root-1.pem and root-1.pem are the same key" in caught.value.explain()
    assert publisher.read_state().root.signed.version == 1


def test_a_name_that_leads_elsewhere_opens_nothing(publisher: Publisher, tmp_path: Path) -> None:
    """The file name of a key comes from signed words of others."""
    outside = tmp_path / "outside.pem"
    outside.write_bytes(CryptoSigner.generate_ed25519().private_bytes)
    public = write_public(outside, tmp_path / "anna.pub")
    add_key(publisher, APP, public, now=NOW)
    state = publisher.read_state()
    delegations = state.targets.signed.delegations
    assert delegations is not None
    key = delegations.keys[ids_of(publisher, APP)[1]]
    key.unrecognized_fields["x-taarafo-file"] = "../../outside.pem"
    assert publisher.ring.find_signer(key) is None


# -- at once, and cut off --------------------------------------------------------------------------


def test_two_ceremonies_at_once_are_both_held(
    publisher: Publisher, reader: PublishedReleases
) -> None:
    context = get_context("fork")
    children = [
        context.Process(target=rotate_key, args=(publisher, role, number), kwargs={"now": NOW})
        for role, number in (("root", 1), ("root", 2), ("targets", 1), (APP, 1), ("timestamp", 1))
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0] * len(children)
    assert len(list_all_retired(publisher)) == len(children)
    assert reader.newest("taarafo").version == "1.0.0"


def test_a_ceremony_that_was_cut_off_is_finished_by_the_next(
    made_once: Path, tmp_path: Path
) -> None:
    point, killed, earlier = 0, True, 0
    while killed:
        point += 1
        shutil.copytree(made_once, tmp_path / str(point))
        publisher = publisher_in(tmp_path / str(point))
        killed = run_until_killed(
            lambda p=publisher: set_threshold(p, APP, 2, count=3, now=NOW), point
        )
        assert problems_of(publisher) == ()
        done = set_threshold(publisher, APP, 2, count=3, now=NOW)
        earlier += done.is_earlier
        assert done.is_published
        assert [f.threshold for f in list_keys(publisher) if f.role == APP] == [2] * 3
        assert not left_behind(publisher)
    assert earlier > 5


def test_signing_that_was_cut_off_loses_no_signature(
    publisher: Publisher, holders: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(SignaturesMissing):
        publish(publisher, "1.1.0")
    whole = tmp_path / "whole"
    shutil.copytree(publisher.ring.home.parent, whole)
    point, killed = 0, True
    while killed:
        point += 1
        shutil.copytree(whole, tmp_path / str(point))
        one = publisher_in(tmp_path / str(point))
        killed = run_until_killed(
            lambda p=one: sign_waiting(p, APP, holders["anna"], now=NOW), point
        )
        assert problems_of(one) == ()
        if one.pending.exists():
            sign_waiting(one, APP, holders["anna"], now=NOW)
        assert len(list_releases(one)) == 2
    assert point > 8


def test_a_ring_without_online_keys_publishes_nothing(
    publisher: Publisher, holders: dict[str, Path], tmp_path: Path
) -> None:
    ring = KeyRing((tmp_path / "empty",))
    hers = Publisher(ring, publisher.repository, publisher.shipped_root)
    with pytest.raises(KeyMissing):
        publish(hers, "1.1.0")
    with pytest.raises(ReleaseRejected):
        sign_waiting(Publisher(ring, publisher.repository, tmp_path / "no"), APP, None, now=NOW)
