"""What is kept before an upgrade is whole or not there, and what is put back is the same."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from provisioner.node.copying import copy_folder, measure_copy
from provisioner.node.snapshot import Snapshots, StillWritten


@pytest.fixture
def home(tmp_path):
    data = tmp_path / "data"
    (data / "media" / "2026").mkdir(parents=True)
    (data / "media" / "2026" / "photo.jpg").write_bytes(b"p" * 5000)
    (data / "notes").mkdir(mode=0o700)
    (data / "notes" / "one.txt").write_text("one")
    (data / "notes" / "link").symlink_to("one.txt")
    with sqlite3.connect(data / "community.sqlite3") as db:
        db.execute("create table post (text)")
        db.execute("insert into post values ('hello')")
    return tmp_path


def describe(folder):
    """Every path with its kind, mode, owner and content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        seen = path.lstat()
        content = (
            str(path.readlink())
            if path.is_symlink()
            else path.read_bytes()
            if path.is_file()
            else None
        )
        name = str(path.relative_to(folder))
        found[name] = (oct(seen.st_mode), seen.st_uid, seen.st_gid, seen.st_mtime_ns, content)
    return found


def test_a_copy_is_the_same_and_shares_only_what_never_changes(home):
    before = describe(home / "data")
    copy_folder(home / "data", home / "copy", ["media"])
    assert describe(home / "copy") == before
    photo, words = Path("media/2026/photo.jpg"), Path("notes/one.txt")
    assert (home / "copy" / photo).samefile(home / "data" / photo)
    assert not (home / "copy" / words).samefile(home / "data" / words)
    plain = sum(p.lstat().st_size for p in (home / "data").rglob("*") if not p.is_dir())
    assert measure_copy(home / "data", ["media"]) == plain - 5000


def test_one_is_not_kept_while_somebody_still_writes(home):
    """For real: a process that nobody stopped writes a little file beside a large one."""
    (home / "data" / "large").write_bytes(os.urandom(50_000_000))
    notes = home / "data" / "notes" / "one.txt"
    code = f"while True:\n with open({str(notes)!r}, 'a') as file: file.write('more')"
    with subprocess.Popen([sys.executable, "-c", code]) as writer:
        try:
            while notes.read_text() == "one":
                pass
            with pytest.raises(StillWritten):
                Snapshots(home, ["media"]).take("first")
        finally:
            writer.kill()
    assert not list((home / "snapshots").iterdir())
    Snapshots(home, ["media"]).take("first")
    assert describe(home / "snapshots" / "first") == describe(home / "data")


def test_a_folder_of_that_name_deeper_down_is_copied(home):
    deeper = home / "data" / "notes" / "media"
    deeper.mkdir()
    (deeper / "changes.txt").write_text("may change")
    copy_folder(home / "data", home / "copy", ["media"])
    assert not (home / "copy/notes/media/changes.txt").samefile(deeper / "changes.txt")


def test_what_a_new_version_did_is_undone(home):
    kept = Snapshots(home, ["media"])
    before = describe(home / "data")
    kept.take("one")
    data = home / "data"
    (data / "notes" / "one.txt").write_text("spoilt")
    (data / "media" / "2026" / "photo.jpg").unlink()
    (data / "new").mkdir()
    shutil.rmtree(data / "notes")
    kept.put_back("one")
    assert describe(data) == before
    kept.put_back("one")
    assert describe(data) == before
    assert sorted(p.name for p in home.iterdir()) == ["data", "snapshots"]


def test_one_that_is_whole_is_not_taken_again(home):
    kept = Snapshots(home)
    kept.take("one")
    (home / "data" / "notes" / "one.txt").write_text("spoilt")
    kept.take("one")
    kept.put_back("one")
    assert (home / "data" / "notes" / "one.txt").read_text() == "one"


def test_only_those_that_are_named_stay(home):
    kept = Snapshots(home)
    for name in ("one", "two", "three"):
        kept.take(name)
    (home / "snapshots" / "four.new").mkdir()
    assert kept.list() == ["one", "three", "two"]
    kept.forget(["two"])
    assert [p.name for p in (home / "snapshots").iterdir()] == ["two"]


def test_without_one_nothing_is_touched(home):
    before = describe(home / "data")
    with pytest.raises(LookupError):
        Snapshots(home).put_back("never")
    assert describe(home / "data") == before


# -- killed anywhere -------------------------------------------------------------------------------

CHILD = """
import os, signal, sys
from pathlib import Path
from provisioner.node.snapshot import Snapshots
left = int(sys.argv[3])
def step(event, _):
    global left
    if event in EVENTS:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
EVENTS = {"open", "os.rename", "os.mkdir", "os.link", "os.symlink", "os.chown", "os.remove",
          "os.rmdir", "os.utime", "os.chmod", "shutil.copyfile", "shutil.rmtree"}
kept = Snapshots(Path(sys.argv[1]), ["media"])
sys.addaudithook(step)
getattr(kept, sys.argv[2])("one")
"""


def run_and_kill(home, verb, at):
    """Killed before its `at`-th change of the disk; False when there are fewer."""
    command = [sys.executable, "-c", CHILD, str(home), verb, str(at)]
    ended = subprocess.run(command, check=False, capture_output=True, cwd=Path.cwd())
    assert ended.returncode in (0, -9), ended.stderr
    return ended.returncode == -9


def spoil(home):
    (home / "data" / "notes" / "one.txt").write_text("spoilt")


@pytest.mark.parametrize("verb", ["take", "put_back"])
def test_killed_at_any_change_it_is_finished_by_the_next(tmp_path, home, verb):
    before, at, kills = describe(home / "data"), 1, 0
    while True:
        place = tmp_path / f"at{at}"
        shutil.copytree(home / "data", place / "data", symlinks=True, copy_function=shutil.copy2)
        kept = Snapshots(place, ["media"])
        if verb == "put_back":
            kept.take("one")
            spoil(place)
        was_killed = run_and_kill(place, verb, at)
        kept.take("one")
        spoil(place)
        kept.put_back("one")
        after = describe(place / "data")
        assert {n: v[-1] for n, v in after.items()} == {n: v[-1] for n, v in before.items()}
        shutil.rmtree(place)
        if not was_killed:
            break
        kills, at = kills + 1, at + 1
    assert kills > 10


@pytest.mark.skipif(os.geteuid() != 0, reason="a small disk is mounted by root")
def test_a_full_disk_leaves_the_data_as_it_is(tmp_path):
    small = tmp_path / "small"
    (small / "data").mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M", "none", small], check=True)
    try:
        (small / "data").mkdir()
        (small / "data" / "words").write_bytes(b"w" * 400_000)
        kept, before = Snapshots(small), describe(small / "data")
        kept.take("one")
        for order in (lambda: kept.put_back("one"), lambda: kept.take("two")):
            with pytest.raises(OSError, match="No space"):
                order()
            assert describe(small / "data") == before
        assert kept.list() == ["one"]
        kept.forget(["one"])
        subprocess.run(["mount", "-o", "remount,size=2M", small], check=True)
        kept.put_back("one")
        assert describe(small / "data") == before
    finally:
        subprocess.run(["umount", small], check=True)
