"""A copy is read back and counted; what is not whole never counts. With the real restic."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from pathlib import Path

import pytest

from provisioner.errors import BackupFailed
from provisioner.node import back_up as module
from provisioner.node.back_up import back_up
from provisioner.node.report import MARK, run_job
from provisioner.node.restic import Repository
from provisioner.node.restore import restore
from provisioner.node.thin_out import thin_out

pytestmark = pytest.mark.live  # it needs restic, and each of its calls half a second
RULES = {"last": 1, "days": 0, "weeks": 0, "months": 0}


def list_snapshots(household):
    """Without the cards beside them."""
    told = json.loads(household.restic("snapshots", "--json")) or []
    return [each["id"] for each in told if not each.get("tags")]


def test_a_copy_holds_the_files_and_the_rows_but_not_what_is_left_out(household):
    told = back_up(household.wish, household.places)
    assert told["tally"]["files"] == 21
    assert told["tally"]["bytes"] > 20 * 1000
    assert told["tally"]["rows"] == {"community.sqlite3/post": 7}
    assert told["read"] == "1/1"
    assert list_snapshots(household) == [told["snapshot"]]
    listed = household.restic("ls", told["snapshot"])
    assert "/incoming" not in listed
    assert not any(line.endswith("data/community.sqlite3") for line in listed.splitlines())
    assert list(household.places.scratch.iterdir()) == [], "no plain copy stays behind"


def test_the_data_is_not_readable_in_the_repository(household):
    (household.places.data / "media" / "letter").write_bytes(b"a private letter" * 500)
    back_up(household.wish, household.places)
    stored = b"".join(p.read_bytes() for p in household.repository.rglob("*") if p.is_file())
    assert b"a private letter" not in stored


def test_other_words_neither_open_nor_replace_a_repository(household):
    told = back_up(household.wish, household.places)
    kept = household.places.phrase.read_text()
    household.places.phrase.write_text("other words")
    with pytest.raises(BackupFailed, match="wrong password") as refused:
        back_up(household.wish, household.places)
    assert "words do not open" in refused.value.facts["reason"]
    household.places.phrase.write_text(kept)
    assert list_snapshots(household) == [told["snapshot"]]


def test_one_flipped_byte_is_found_when_it_is_read_back(household):
    (household.places.data / "media" / "large.jpg").write_bytes(os.urandom(2**20))
    back_up(household.wish, household.places)
    packs = [p for p in (household.repository / "data").rglob("*") if p.is_file()]
    pack = max(packs, key=lambda path: path.stat().st_size)
    content = bytearray(pack.read_bytes())
    content[len(content) // 2] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(content)
    with pytest.raises(BackupFailed) as refused:
        back_up(household.wish, household.places)
    assert "read back" in refused.value.facts["reason"]
    assert "restic check" in refused.value.detail


def test_a_file_that_changes_while_it_is_copied_is_copied_again(household, monkeypatch):
    photo, copied = household.places.data / "media" / "3.jpg", []

    class Disturbed(Repository):
        def back_up(self, *words):
            snapshot = super().back_up(*words)
            copied.append(snapshot)
            if len(copied) == 1:
                photo.write_bytes(b"changed")
            return snapshot

    disturb(household, monkeypatch, Disturbed)
    told = back_up(household.wish, household.places)
    assert len(copied) == 2
    assert list_snapshots(household) == [told["snapshot"]], "the torn one was forgotten"


def test_one_that_never_rests_gives_no_backup(household, monkeypatch):
    photo = household.places.data / "media" / "3.jpg"

    class Disturbed(Repository):
        def back_up(self, *words):
            snapshot = super().back_up(*words)
            photo.write_bytes(photo.read_bytes() + b"more")
            return snapshot

    disturb(household, monkeypatch, Disturbed)
    with pytest.raises(BackupFailed) as refused:
        back_up(household.wish, household.places)
    assert "changed while they were copied: media/3.jpg" in refused.value.facts["reason"]
    assert list_snapshots(household) == []


def disturb(household, monkeypatch, kind):
    opened = household.places.open_repository

    def open_disturbed(_, wish):
        return kind(**vars(opened(wish)))

    monkeypatch.setattr(type(household.places), "open_repository", open_disturbed)


def test_a_file_that_comes_or_goes_meanwhile_spoils_nothing(household, monkeypatch):
    class Busy(Repository):
        def back_up(self, *words):
            snapshot = super().back_up(*words)
            (household.places.data / "media" / "new.jpg").write_bytes(b"new")
            (household.places.data / "media" / "5.jpg").unlink()
            return snapshot

    disturb(household, monkeypatch, Busy)
    assert back_up(household.wish, household.places)["tally"]["files"] == 21


def test_a_missing_or_damaged_copy_of_the_database_is_no_backup(household):
    copy = household.places.data / "backup" / "community.sqlite3"
    content = copy.read_bytes()
    copy.write_bytes(content[:4096] + b"\xff" * 4096)
    with pytest.raises(BackupFailed, match="database"):
        back_up(household.wish, household.places)
    copy.unlink()
    with pytest.raises(BackupFailed, match="database"):
        back_up(household.wish, household.places)


def test_what_is_brought_back_is_counted(household):
    told = back_up(household.wish, household.places)
    found = restore({**household.wish, **told}, household.places)
    assert found["tally"] == told["tally"]
    back = household.places.target.joinpath(*household.places.data.parts[1:])
    assert (back / "media" / "9.jpg").read_bytes() == bytes([9]) * 1000


def test_a_restore_with_other_counts_fails(household):
    told = back_up(household.wish, household.places)
    told["tally"]["rows"]["community.sqlite3/post"] += 1
    with pytest.raises(BackupFailed, match=r"7 rows in community.sqlite3/post instead of 8"):
        restore({**household.wish, **told}, household.places)


def test_old_ones_are_forgotten_and_only_good_ones_take_a_place(household):
    moments = ("2026-01-01T03:00:00+00:00", "2026-01-02T03:00:00+00:00")
    good = {back_up(household.wish, household.places)["snapshot"]: at for at in moments}
    household.restic("backup", str(household.places.data))  # nobody counted this one
    told = thin_out({**household.wish, "good": good, "rules": RULES}, household.places)
    old, new = good
    assert told["forgotten"] == [old]
    assert new in list_snapshots(household)
    assert len(list_snapshots(household)) == 2, "one that is not known is kept for a week"


def test_a_lock_that_a_killed_job_left_does_not_stop_the_next(household):
    back_up(household.wish, household.places)
    with subprocess.Popen(
        ["restic", "--no-cache", "-r", str(household.repository), "-p",
         str(household.places.phrase), "backup", "--stdin"],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
    ) as killed:  # fmt: skip
        while not list((household.repository / "locks").iterdir()):
            assert killed.poll() is None
        killed.kill()
    assert list((household.repository / "locks").iterdir())
    back_up(household.wish, household.places)


@pytest.mark.parametrize("error", [BackupFailed("no", reason="it is full"), ValueError("odd")])
def test_what_went_wrong_is_told_and_is_no_report_of_success(error, capsys, monkeypatch):
    def fail(_):
        raise error

    monkeypatch.setattr("sys.argv", ["job", "{}"])
    assert run_job("back-up", fail) == 1
    told = json.loads(capsys.readouterr().out)
    assert told[MARK] == "back-up"
    assert "error" in told
    assert "snapshot" not in told


def test_a_database_in_use_is_counted_as_it_is(household):
    live = Path(household.places.data / "community.sqlite3")
    with sqlite3.connect(live) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("INSERT INTO post (text) VALUES ('more')")
        db.commit()
        rows = module.list_files(household.places.data)
        from provisioner.node.listing import count_rows

        assert count_rows({"live": live}, is_still=False) == {"live/post": 8}
    assert "community.sqlite3" in rows
