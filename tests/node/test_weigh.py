"""What communities take, counted in real folders, and the limit as their apps read it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from provisioner.node.doors import close_door, make_slots, open_door
from provisioner.node.weigh import Folders, tell_quota, weigh, weigh_one

ME = {"uid": os.geteuid(), "gid": os.getegid()}


@pytest.fixture
def folders(tmp_path):
    found = Folders(tmp_path / "communities", tmp_path / "backups", tmp_path / "edge")
    for folder in (found.communities / "c" / "data" / "media", found.backups / "c", found.edge):
        folder.mkdir(parents=True)
    return found


@pytest.fixture
def door(folders):
    door = folders.edge / "smith.localhost"
    door.mkdir()
    return door


def write(path, size):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)


def read(door, slot):
    path = door / slot / "quota"
    return path.read_text() if path.exists() else None


def test_data_what_was_kept_and_backups_are_told_apart(folders):
    home = folders.communities / "c"
    write(home / "data" / "community.sqlite3", 1000)
    write(home / "data" / "media" / "1.jpg", 200)
    write(home / "snapshots" / "op" / "community.sqlite3", 900)
    write(folders.backups / "c" / "data" / "pack", 30)
    write(folders.communities / "other" / "data" / "x", 5000)
    found = weigh_one(folders, "c")
    assert (found.data, found.kept, found.backups) == (1200, 900, 30)


def test_a_file_with_two_names_is_counted_once_as_data(folders):
    home = folders.communities / "c"
    write(home / "data" / "media" / "1.jpg", 200)
    kept = home / "snapshots" / "op" / "media"
    kept.mkdir(parents=True)
    os.link(home / "data" / "media" / "1.jpg", kept / "1.jpg")
    os.link(home / "data" / "media" / "1.jpg", home / "data" / "media" / "again.jpg")
    write(kept / "gone.jpg", 70)  # its other name was deleted: it takes room only there
    found = weigh_one(folders, "c")
    assert (found.data, found.kept) == (200, 70)


def test_links_are_not_followed_and_sockets_hold_nothing(folders, tmp_path):
    write(tmp_path / "outside" / "big", 9000)
    data = folders.communities / "c" / "data"
    (data / "away").symlink_to(tmp_path / "outside")
    (data / "file").symlink_to(tmp_path / "outside" / "big")
    os.mkfifo(data / "pipe")
    assert weigh_one(folders, "c").data == 0


def test_no_file_is_read(folders):
    file = folders.communities / "c" / "data" / "a"
    write(file, 10)
    file.chmod(0)
    before = file.stat().st_atime_ns
    assert weigh_one(folders, "c").data == 10
    assert file.stat().st_atime_ns == before


@pytest.fixture
def deep(folders, monkeypatch):
    """Deeper than Python can go down, also to remove it."""
    data = folders.communities / "c" / "data"
    try:
        monkeypatch.chdir(data)
        for _ in range(1500):
            Path("deeper").mkdir()
            os.chdir("deeper")
        monkeypatch.undo()
        yield data
    finally:
        subprocess.run(["rm", "-rf", str(data)], check=True)


def test_a_folder_of_great_depth_ends_nothing(folders, deep):
    write(deep / "a", 10)
    assert weigh_one(folders, "c").data == 10


def test_what_is_not_there_weighs_nothing(folders):
    found = weigh({"gone": ["gone.localhost", 50]}, folders)
    assert found == {"weights": {"gone": [0, 0, 0, 50]}}


def test_each_slot_is_told_and_told_anew(folders, door):
    make_slots(door, **ME)
    assert tell_quota(door, 500) == 500
    assert (read(door, "a"), read(door, "b")) == ("500\n", "500\n")
    assert (door / "a" / "quota").stat().st_mode & 0o777 == 0o644
    tell_quota(door, 70)
    assert read(door, "a") == "70\n"
    assert tell_quota(door, 0) == 0
    assert read(door, "a") is None
    assert sorted(p.name for p in (door / "a").iterdir()) == []


def test_a_community_without_slots_is_told_at_its_door(folders, door):
    tell_quota(door, 500)
    assert (door / "quota").read_text() == "500\n"


def test_nothing_that_the_app_put_there_is_followed(folders, door, tmp_path):
    make_slots(door, **ME)
    write(tmp_path / "precious", 3)
    for name in ("quota", ".quota.new"):
        (door / "a" / name).symlink_to(tmp_path / "precious")
    assert tell_quota(door, 500) == 500
    assert (tmp_path / "precious").read_bytes() == b"xxx"
    assert not (door / "a" / "quota").is_symlink()
    assert read(door, "a") == "500\n"


def test_what_cannot_be_told_is_said(folders, door):
    make_slots(door, **ME)
    (door / "a" / "quota").mkdir()
    assert tell_quota(door, 500) is None


def test_the_version_that_comes_knows_what_the_one_before_was_told(folders, door):
    (door / "a").mkdir()
    open_door(door, "a")
    tell_quota(door, 500)
    make_slots(door, **ME)
    assert read(door, "b") == "500\n"
    open_door(door, "b")
    close_door(door)
    make_slots(door, **ME)
    assert read(door, "a") == "500\n"


def test_no_link_of_the_app_is_handed_on(folders, door, tmp_path):
    (door / "a").mkdir()
    open_door(door, "a")
    write(tmp_path / "secret", 3)
    (door / "a" / "quota").symlink_to(tmp_path / "secret")
    make_slots(door, **ME)
    assert read(door, "b") is None


def test_as_a_program_it_reports_in_one_line(tmp_path):
    wish = {f"{n:032}": [f"c{n}.localhost", 500] for n in range(100)}
    done = subprocess.run(
        [sys.executable, "-m", "provisioner.node.weigh", json.dumps(wish)],
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = done.stdout.splitlines()
    told = json.loads(line)
    assert told["taarafo-report"] == "weigh"
    assert len(told["weights"]) == 100
    assert len(line) < 16_000
