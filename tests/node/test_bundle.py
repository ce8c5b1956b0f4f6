"""A bundle made by the real restic: it is whole, or it is refused, whatever was done to it."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import shutil
import tarfile
from collections import namedtuple

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioner.core.bundle import CONTENTS, FORM, LETTER, read_contents
from provisioner.core.letter import sign_letter
from provisioner.engine.moves.export_steps import BUNDLE
from provisioner.engine.moves.open_bundle import read_bundle, unpack_bundle
from provisioner.errors import BackupFailed, BundleRefused, NotEnoughRoom
from provisioner.node.export import export
from provisioner.node.find_card import find_card
from provisioner.node.pack import pack
from provisioner.node.recount import recount
from provisioner.node.restore import restore
from tests.node.conftest import make_household

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def wish_of(household, out):
    return {
        **household.wish,
        "repository": str(out / ".family.1" / "repository"),
        "card": "sealed",
    }


def write_letter(told, key=KEY, **changes):
    letter = {
        "form": FORM,
        "address": "smith-family.localhost:8080",
        "snapshot": told["snapshot"],
        "tally": told["tally"],
        "contents": told["contents"],
        **changes,
    }
    return sign_letter(BUNDLE, letter, key).decode()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return make_household(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def bundled(home, tmp_path_factory):
    """(what the export told, the file)."""
    household, out = home, tmp_path_factory.mktemp("usb")
    told = export(wish_of(household, out), household.places)
    file = out / "family"
    packed = pack({"part": str(out / ".family.1"), "file": str(file), "letter": write_letter(told)})
    assert packed["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert packed["bytes"] == file.stat().st_size
    return told, file


def open_into(file, folder, **more):
    folder.mkdir(exist_ok=True)
    return unpack_bundle(file, folder, **more)


def test_all_of_it_comes_out_of_the_bundle_again(home, bundled, tmp_path):
    (told, file), household = bundled, home
    assert told["read"] == "1/1"
    assert file.stat().st_mode & 0o777 == 0o600
    with tarfile.open(file) as tar:
        names = tar.getnames()
    assert names[:2] == [LETTER, CONTENTS], "any tar can list it"
    bundle = open_into(file, tmp_path / "in")
    assert (bundle.snapshot, bundle.tally.to_json()) == (told["snapshot"], told["tally"])
    wish = {
        "repository": str(tmp_path / "in" / "repository"),
        "is_ours": False,
        "snapshot": bundle.snapshot,
    }
    assert find_card(wish, household.places)["card"] == "sealed"
    back = restore(
        {**wish, "copies": household.wish["copies"], "tally": told["tally"]}, household.places
    )
    assert back["tally"] == told["tally"]
    assert recount(household.wish, household.places)["tally"] == told["tally"]


def test_without_the_words_it_says_nothing(bundled):
    raw = bundled[1].read_bytes()
    assert b"SQLite format 3" not in raw
    assert b"hello" not in raw
    assert b"0.jpg" not in raw


def list_members(file):
    with tarfile.open(file) as tar:
        return [(each.name, tar.extractfile(each).read()) for each in tar.getmembers()]


def write_members(file, members, change=lambda told: None):
    with tarfile.open(file, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in members:
            told = tarfile.TarInfo(name)
            told.size = len(content)
            change(told)
            tar.addfile(told, io.BytesIO(content))


def test_the_same_members_written_by_any_tar_are_fine(bundled, tmp_path):
    file = tmp_path / "other"
    write_members(file, list_members(bundled[1]))
    open_into(file, tmp_path / "in")


def test_one_flipped_bit_in_any_member_is_refused(bundled, tmp_path):
    members = list_members(bundled[1])
    for number, (name, content) in enumerate(members):
        for place in {0, len(content) // 2, len(content) - 1}:
            spoiled = bytearray(content)
            spoiled[place] ^= 1
            changed = [*members[:number], (name, bytes(spoiled)), *members[number + 1 :]]
            write_members(tmp_path / "bad", changed)
            with pytest.raises(BundleRefused):
                open_into(tmp_path / "bad", tmp_path / f"in-{number}-{place}")


def test_a_bundle_that_ends_anywhere_is_refused(bundled, tmp_path):
    raw = bundled[1].read_bytes()
    for number, size in enumerate([0, 1, 511, 512, 600, *range(0, len(raw) - 1024, 997)]):
        (tmp_path / "short").write_bytes(raw[:size])
        with pytest.raises(BundleRefused):
            open_into(tmp_path / "short", tmp_path / f"in-{number}")


def leave_out(members):
    return members[:-1]


def say_twice(members):
    return [*members, members[-1]]


def add_another(members):
    return [*members, ("repository/data/aa/" + "a" * 64, b"more")]


def climb_out(members):
    return [*members, ("../../evil", b"evil")]


def turn_round(members):
    return [members[1], members[0], *members[2:]]


@pytest.mark.parametrize("change", [leave_out, say_twice, add_another, climb_out, turn_round])
def test_nothing_may_be_missing_more_or_elsewhere(bundled, tmp_path, change):
    write_members(tmp_path / "bad", change(list_members(bundled[1])))
    with pytest.raises(BundleRefused):
        open_into(tmp_path / "bad", tmp_path / "in")
    assert not (tmp_path.parent / "evil").exists()
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.XHDTYPE, b"K", b"3"])
def test_what_is_no_plain_file_is_refused(bundled, tmp_path, kind):
    def change(told):
        if told.name == "repository/config":
            told.type, told.linkname = kind, "/etc/passwd"

    write_members(tmp_path / "bad", list_members(bundled[1]), change)
    with pytest.raises(BundleRefused):
        open_into(tmp_path / "bad", tmp_path / "in")


@pytest.mark.parametrize(
    "name", ["repository/../x", "/etc/x", "repository/data/aa/short", "other", "repository/config/"]
)
def test_a_list_that_names_what_belongs_to_no_repository_is_refused(name):
    with pytest.raises(ValueError, match="no repository"):
        read_contents(json.dumps({name: [1, "a" * 64]}).encode())


def test_who_signed_it_can_be_told(bundled, tmp_path):
    bundle = read_bundle(bundled[1])
    for known in (bundle.letter.signed_by, bundle.letter.signed_by[:16].upper()):
        read_bundle(bundled[1], known)
    for other in ("0" * 64, bundle.letter.signed_by[:15], "x"):
        with pytest.raises(BundleRefused) as refused:
            read_bundle(bundled[1], other)
        assert "signed by another key" in refused.value.explain()


def test_what_was_signed_as_something_else_is_refused(bundled, tmp_path):
    told, file = bundled
    members = list_members(file)
    other = sign_letter("receipt", {"form": FORM}, KEY)
    write_members(tmp_path / "bad", [(LETTER, other), *members[1:]])
    with pytest.raises(BundleRefused) as refused:
        read_bundle(tmp_path / "bad")
    assert "not signed as one" in refused.value.explain()
    newer = write_letter(told, form=2).encode()
    write_members(tmp_path / "newer", [(LETTER, newer), *members[1:]])
    with pytest.raises(BundleRefused) as refused:
        read_bundle(tmp_path / "newer")
    assert "form that this version" in refused.value.explain()


def test_another_key_over_the_same_letter_is_told_by_its_fingerprint(bundled, tmp_path):
    told, file = bundled
    other = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
    members = [(LETTER, write_letter(told, other).encode()), *list_members(file)[1:]]
    write_members(tmp_path / "other", members)
    assert read_bundle(tmp_path / "other").letter.signed_by != read_bundle(file).letter.signed_by


def test_without_room_nothing_is_begun(household, out, monkeypatch, bundled, tmp_path):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 1000))
    with pytest.raises(BackupFailed, match="MB needed") as refused:
        export(wish_of(household, out), household.places)
    assert "not enough room" in refused.value.facts["reason"]
    with pytest.raises(NotEnoughRoom):
        open_into(bundled[1], tmp_path / "in")


def test_a_disk_that_fills_while_it_is_packed_gives_no_bundle(household, out, monkeypatch):
    told = export(wish_of(household, out), household.places)

    def full(_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr("os.fsync", full)
    wish = {"part": str(out / ".family.1"), "file": str(out / "family"), "letter": "x"}
    with pytest.raises(BackupFailed) as refused:
        pack(wish)
    assert refused.value.facts["reason"] == "there is not enough room for it"
    assert told
    assert not (out / "family").exists()


@pytest.mark.parametrize(
    "spoil", [lambda raw: raw[:-5], lambda raw: bytes([raw[0] ^ 1]) + raw[1:]], ids=["cut", "bit"]
)
def test_what_was_spoiled_between_listing_and_packing_is_noticed(household, out, spoil):
    told = export(wish_of(household, out), household.places)
    part = out / ".family.1"
    files = [path for path in (part / "repository/data").rglob("*") if path.is_file()]
    files[0].chmod(0o600)
    files[0].write_bytes(spoil(files[0].read_bytes()))
    with pytest.raises(BackupFailed):
        pack({"part": str(part), "file": str(out / "family"), "letter": write_letter(told)})
    assert not (out / "family").exists()


def test_an_export_begins_anew_after_one_that_was_killed(household, out):
    first = export(wish_of(household, out), household.places)
    again = export(wish_of(household, out), household.places)
    assert again["snapshot"] != first["snapshot"]
    listed = read_contents((out / ".family.1" / CONTENTS).read_bytes())
    assert len([name for name in listed if "/snapshots/" in name]) == 2, "one of data, one card"
