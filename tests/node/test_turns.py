"""An app that takes turns is told by a file that its own has come, and neither side undoes it."""

from __future__ import annotations

import os
from pathlib import Path

from provisioner.core.turn import BEGIN, READY, WAIT
from provisioner.node import turns
from provisioner.node.attendant import Attendant
from provisioner.node.turns import begin, clear, hold


def names(slot):
    return [path.name for path in slot.iterdir()]


def test_it_waits_gets_ready_has_its_turn_and_says_so(tmp_path):
    assert hold(tmp_path) is False
    assert hold(tmp_path) is False, "asked again"
    assert names(tmp_path) == [WAIT]
    (tmp_path / WAIT).rename(tmp_path / READY)
    assert hold(tmp_path) is True
    assert names(tmp_path) == [READY], "it is not told to wait again"
    assert begin(tmp_path) is False
    assert begin(tmp_path) is False, "asked again while it puts its data in order"
    assert names(tmp_path) == [BEGIN]
    (tmp_path / BEGIN).unlink()
    assert begin(tmp_path) is True
    assert names(tmp_path) == []


def test_one_that_was_not_started_yet_finds_its_turn_when_it_is(tmp_path):
    hold(tmp_path)
    assert begin(tmp_path) is False
    assert names(tmp_path) == [BEGIN]


def test_what_an_upgrade_left_that_did_not_come_about_holds_nobody_up(tmp_path):
    (tmp_path / BEGIN).touch()
    assert hold(tmp_path) is False
    assert names(tmp_path) == [WAIT], "nobody begins before it is told to"
    clear(tmp_path)
    assert names(tmp_path) == []
    clear(tmp_path)


def test_what_was_told_is_on_the_disk_before_anybody_is_told(tmp_path, monkeypatch):
    """A power cut may take back whatever came after the last of these."""
    lasting = []
    monkeypatch.setattr(turns, "sync_folder", lambda folder: lasting.append(names(folder)))
    hold(tmp_path)
    assert lasting == [[WAIT]]
    begin(tmp_path)
    assert lasting == [[WAIT], [BEGIN]]


def test_one_that_gets_ready_while_it_is_held_again_begins_once(tmp_path, monkeypatch):
    """Then there are two files; the app waits until the last of them has been renamed."""
    (tmp_path / WAIT).touch()
    (tmp_path / READY).touch()
    lasting = []
    monkeypatch.setattr(turns, "sync_folder", lambda folder: lasting.append(sorted(names(folder))))
    assert begin(tmp_path) is False
    assert lasting == [[BEGIN, READY], [BEGIN]]


def test_one_that_gets_ready_at_the_very_moment_has_its_turn(tmp_path, monkeypatch):
    """The app was faster: what was to be renamed has another name by now."""
    (tmp_path / WAIT).touch()
    rename = Path.rename

    def rename_after_the_app(path, target):
        if path.name == WAIT:
            rename(path, tmp_path / READY)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", rename_after_the_app)
    assert begin(tmp_path) is False
    assert names(tmp_path) == [BEGIN]


def test_no_link_of_the_app_leads_anywhere(tmp_path):
    slot, outside = tmp_path / "slot", tmp_path / "outside"
    slot.mkdir()
    (slot / WAIT).symlink_to(outside)
    hold(slot)
    assert not outside.exists()


def test_the_attendant_passes_it_on_to_one_of_two_slots(tmp_path):
    home, door = tmp_path / "home", tmp_path / "door"
    (home / "data").mkdir(parents=True)
    door.mkdir()
    attendant = Attendant(home, door, shared=(), uid=os.geteuid(), gid=os.getegid())
    attendant.answer("look", {"step": 1})
    assert attendant.answer("hold", {"slot": "b", "step": 1}) == (200, {"is_ready": False})
    assert (names(door / "a"), names(door / "b")) == ([], [WAIT])
    assert attendant.answer("begin", {"slot": "b", "step": 1}) == (200, {"is_in_order": False})
    assert attendant.answer("clear", {"slot": "b", "step": 1}) == (200, {})
    assert attendant.answer("begin", {"slot": "b", "step": 1}) == (200, {"is_in_order": True})
    for verb in ("hold", "begin", "clear"):
        assert attendant.answer(verb, {"slot": "../a", "step": 1})[0] == 500
