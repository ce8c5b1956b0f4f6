"""The attendant: it does what it is told by who has the token, once or many times."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from provisioner.node import attendant as module
from provisioner.node.attendant import Attendant
from provisioner.node.doors import close_door, find_open, make_slots, open_door

ME = {"uid": os.geteuid(), "gid": os.getegid()}


@pytest.fixture
def place(tmp_path):
    home, door = tmp_path / "home", tmp_path / "door"
    (home / "data").mkdir(parents=True)
    (home / "data" / "notes.txt").write_text("hello")
    door.mkdir()
    return Attendant(home, door, shared=(), **ME), home, door


def test_a_whole_upgrade(place):
    attendant, home, door = place
    status, told = attendant.answer("look", {"step": 1})
    assert (status, told["bytes"], told["open"], told["snapshots"]) == (200, 5, "", [])
    assert told["free"] > 0
    for verb, said in (
        ("open", {"slot": "a", "step": 2}),
        ("close", {"step": 3}),
        ("snapshot", {"name": "one", "step": 4}),
        ("open", {"slot": "b", "step": 5}),
    ):
        assert attendant.answer(verb, said)[0] == 200
    assert find_open(door) == "b"
    (home / "data" / "notes.txt").write_text("spoilt")
    assert attendant.answer("put-back", {"name": "one", "step": 6})[0] == 200
    assert (home / "data" / "notes.txt").read_text() == "hello"
    assert attendant.answer("forget", {"keep": [], "step": 7})[0] == 200
    assert attendant.answer("look", {"step": 7})[1]["snapshots"] == []


@pytest.mark.parametrize(
    ("verb", "said", "status"),
    [
        ("dance", {}, 404),
        ("snapshot", {"name": "../../etc"}, 500),
        ("put-back", {"name": "never"}, 500),
        ("put-back", {}, 500),
    ],
)
def test_what_makes_no_sense_is_refused(place, verb, said, status):
    attendant, home, _ = place
    assert attendant.answer(verb, {**said, "step": 1})[0] == status
    assert [p.name for p in home.iterdir()] == ["data"]


def test_a_long_order_is_asked_about_and_no_other_is_taken_meanwhile(place, slowly):
    attendant, going, taken = place[0], *slowly
    one, two = {"name": "one", "step": 1}, {"name": "two", "step": 1}
    assert attendant.answer("snapshot", one)[0] == 202
    assert attendant.answer("snapshot", one)[0] == 202
    assert attendant.answer("snapshot", two)[0] == 409
    going.set()
    assert insist(attendant, "snapshot", one) == 200
    assert taken == ["one"]


def test_an_order_whose_answer_nobody_heard_is_in_nobodys_way(place, slowly):
    """The worker was killed meanwhile, and the next one puts everything back."""
    attendant, going, taken = place[0], *slowly
    assert attendant.answer("snapshot", {"name": "one", "step": 1})[0] == 202
    going.set()
    assert insist(attendant, "open", {"slot": "a", "step": 2}) == 200
    assert taken == ["one"]


@pytest.fixture
def slowly(place, monkeypatch):
    """(set it and snapshots end, the names of those that were taken)"""
    going, taken = threading.Event(), []
    monkeypatch.setattr(module, "PROMPT", 0.01)

    def take(name):
        taken.append(name)
        going.wait(10)

    monkeypatch.setattr(place[0]._snapshots, "take", take)
    return going, taken


def insist(attendant, verb, said):
    """Until it is carried out, or cannot be."""
    deadline = time.monotonic() + 5
    while (status := attendant.answer(verb, said)[0]) in (202, 409):
        assert time.monotonic() < deadline
    return status


def test_an_order_that_comes_late_changes_nothing(place):
    """A worker was paused, another went on, members are inside and write: now the first wakes."""
    attendant, home, door = place
    notes = home / "data" / "notes.txt"
    put_back = {"name": "one", "step": 9}
    assert attendant.answer("snapshot", {"name": "one", "step": 4})[0] == 200
    assert attendant.answer("put-back", put_back)[0] == 200
    notes.write_text("it was started again")
    assert attendant.answer("put-back", put_back)[0] == 200, "it was done, and is not done again"
    assert notes.read_text() == "it was started again"
    assert attendant.answer("open", {"slot": "a", "step": 12})[0] == 200
    notes.write_text("somebody wrote this")
    assert attendant.answer("put-back", put_back)[0] == 409
    assert attendant.answer("close", {"step": 3})[0] == 409
    assert notes.read_text() == "somebody wrote this"
    assert find_open(door) == "a"


def test_what_changes_by_itself_is_looked_at_each_time(place):
    attendant, home, _ = place
    assert attendant.answer("look", {"step": 1})[1]["bytes"] == 5
    (home / "data" / "notes.txt").write_text("hello, you")
    assert attendant.answer("look", {"step": 1})[1]["bytes"] == 10


def test_what_failed_is_tried_again(place):
    attendant, home, _ = place
    said = {"name": "one", "step": 1}
    assert attendant.answer("put-back", said)[0] == 500
    (home / "snapshots" / "one").mkdir(parents=True)
    assert attendant.answer("put-back", said)[0] == 200


def test_a_door_is_never_missing(tmp_path):
    make_slots(tmp_path, **ME)
    open_door(tmp_path, "a")
    ended, missed = threading.Event(), []

    def look():
        while not ended.is_set():
            if not (tmp_path / "http.sock").is_symlink():
                missed.append(1)

    looker = threading.Thread(target=look)
    looker.start()
    for _ in range(200):
        close_door(tmp_path)
        assert find_open(tmp_path) == ""
        open_door(tmp_path, "b")
    ended.set()
    looker.join()
    assert not missed
    assert find_open(tmp_path) == "b"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b", "http.sock"]


# -- as a program ----------------------------------------------------------------------------------


class Line(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=5)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(5)
        self.sock.connect(self.path)


def order(door, verb, said, token):
    line = Line(door / "swap" / "http.sock")
    try:
        line.request("POST", f"/{verb}", json.dumps(said), {module.HEADER: token})
        answer = line.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        line.close()


@pytest.fixture
def program(place, tmp_path):
    _, home, door = place
    token = tmp_path / "token"
    token.write_text("right\n")
    code = (
        "import sys; from pathlib import Path; from provisioner.node import attendant as a;"
        f"a.TOKEN = Path({str(token)!r}); sys.exit(a.main(sys.argv[1:]))"
    )
    told = ["--home", str(home), "--door", str(door), "--uid", str(ME["uid"])]
    words = [sys.executable, "-c", code, *told, "--gid", str(ME["gid"])]
    with subprocess.Popen(words, cwd=Path.cwd()) as child:
        deadline = time.monotonic() + 20
        while not (door / "swap" / "http.sock").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield door, child
        child.terminate()
        assert child.wait(5) == 0, "it ends at once"


@pytest.mark.skipif(os.geteuid() != 0, reason="it gives folders to other users")
def test_who_is_refused_hears_so_although_the_rest_comes_late(program):
    door, _ = program
    line = Line(door / "swap" / "http.sock")
    line.putrequest("POST", "/close")
    line.putheader(module.HEADER, "wrong")
    line.putheader("Content-Length", "2")
    line.endheaders()
    time.sleep(0.2)
    line.send(b"{}")
    assert line.getresponse().status == 403
    line.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="it gives folders to other users")
def test_it_obeys_only_who_has_the_token(program):
    door, _ = program
    assert order(door, "look", {"step": 1}, "right")[0] == 200
    for token in ("wrong", "", "right "):
        assert order(door, "close", {}, token.strip() + "x")[0] == 403
    assert not (door / "http.sock").is_symlink()
    assert order(door, "open", {"slot": "a", "step": 2}, "right") == (200, {})
    assert find_open(door) == "a"
    for nonsense in ([1], 3, None, {"step": "2"}):
        assert order(door, "look", nonsense, "right")[0] == 400
    assert order(door, "look", {}, "right")[0] == 200
    assert order(door, "look", {"step": 2}, "right")[0] == 200
