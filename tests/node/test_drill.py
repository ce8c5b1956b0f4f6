"""A drill on the real restic: the app is let in early, and nothing that is missing passes."""

from __future__ import annotations

import json
import shutil
import socketserver
import sqlite3
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest

from provisioner.errors import BackupFailed
from provisioner.node import drill as module
from provisioner.node.back_up import back_up
from provisioner.node.drill import drill
from provisioner.node.report import AWAKE, BACK, WHOLE, WORD
from provisioner.node.restic import Repository

pytestmark = pytest.mark.live  # it needs restic, and each of its calls half a second


@pytest.fixture
def wish(household):
    told = back_up(household.wish, household.places)
    return {**household.wish, **told, "later": ["media"], "health": "/healthz"}


@pytest.fixture
def said(monkeypatch):
    words = []
    monkeypatch.setattr(module, "say", words.append)
    return words


@contextmanager
def an_app(household, said, *, status=200, wakes=None):
    """Puts the copy in its place and answers, as soon as it is let: `wakes` is called first."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

        def address_string(self):
            return "nobody"

    door = household.places.target / "edge" / "http.sock"
    door.parent.mkdir(parents=True)

    def live():
        home = household.places.restored
        while BACK not in said:
            time.sleep(0.01)
        (wakes or (lambda _: None))(home)
        shutil.copy(home / "backup" / "community.sqlite3", home / "community.sqlite3")
        with socketserver.UnixStreamServer(str(door), Answers) as server:
            servers.append(server)
            server.serve_forever(0.01)

    servers = []
    life = threading.Thread(target=live, daemon=True)
    life.start()
    yield
    for server in servers:
        server.shutdown()


def test_all_comes_back_and_the_photos_after_the_words(household, wish, said):
    with an_app(household, said):
        told = drill(wish, household.places)
    assert told["rows"] == {"community.sqlite3/post": 7}
    assert 0 < told["restore_seconds"] <= told["seconds"]
    assert [word for word in said if word in (BACK, WHOLE, AWAKE)] == [BACK, WHOLE, AWAKE]
    home = household.places.restored
    assert (home / "media" / "9.jpg").read_bytes() == bytes([9]) * 1000
    assert not list((household.places.target / "later").rglob("*.jpg")), "each is there once"


def test_an_app_that_sweeps_while_photos_come_sweeps_nothing_of_them(
    household, wish, said, monkeypatch
):
    """Ours removes photos that no row knows; those here are known to none."""
    bring, swept = Repository.bring_back, threading.Event()

    def sweep(home):
        for photo in (home / "media").iterdir():
            photo.unlink()
        (home / "media" / "thumbs").mkdir()
        swept.set()

    def bring_back(self, *words, **more):
        bring(self, *words, **more)
        assert not more.get("only") or swept.wait(30)

    monkeypatch.setattr(Repository, "bring_back", bring_back)

    with an_app(household, said, wakes=sweep):
        drill(wish, household.places)
    assert len(list((household.places.restored / "media").glob("*.jpg"))) == 20
    assert not (household.places.restored / "media" / "thumbs").exists()


def test_it_says_back_before_the_photos_are_whole(household, wish, said, monkeypatch):
    bring, order = Repository.bring_back, []

    def slowly(self, *words, **more):
        if more.get("only"):
            while BACK not in said:
                time.sleep(0.01)
        order.append("photos" if more.get("only") else "words")
        bring(self, *words, **more)

    monkeypatch.setattr(Repository, "bring_back", slowly)
    with an_app(household, said):
        drill(wish, household.places)
    assert order == ["words", "photos"]


def test_without_anything_that_may_come_later_restic_is_started_once(
    household, wish, said, monkeypatch
):
    bring, calls = Repository.bring_back, []
    monkeypatch.setattr(Repository, "bring_back", lambda *w, **m: (calls.append(m), bring(*w, **m)))
    with an_app(household, said):
        drill({**wish, "later": []}, household.places)
    assert len(calls) == 1
    assert (household.places.restored / "media" / "9.jpg").exists()


@pytest.mark.parametrize("lost", ["tally", "rows"])
def test_a_photo_or_a_row_that_is_missing_is_found_before_the_app_counts(
    household, wish, said, lost
):
    wish = json.loads(json.dumps(wish))
    if lost == "rows":
        wish["tally"]["rows"]["community.sqlite3/post"] += 1
    else:
        wish["tally"]["files"] += 1
    with pytest.raises(BackupFailed) as refused:
        drill(wish, household.places)
    assert "instead of" in refused.value.facts["reason"]
    assert WHOLE not in said
    assert (BACK in said) == (lost == "tally")


def test_rows_that_the_app_loses_are_found(household, wish, said):
    with sqlite3.connect(household.places.data / "community.sqlite3") as db:
        db.execute("DELETE FROM post WHERE id > 3")
    db.close()

    def lose(home):
        copy = home / "backup" / "community.sqlite3"
        shutil.copy(household.places.data / "community.sqlite3", copy)

    with an_app(household, said, wakes=lose), pytest.raises(BackupFailed) as refused:
        drill(wish, household.places)
    assert "3 rows in community.sqlite3/post instead of 7" in refused.value.facts["reason"]


def test_a_damaged_photo_is_told_though_the_words_were_good(household, wish, said, monkeypatch):
    bring = Repository.bring_back

    def damaged(self, *words, **more):
        if more.get("only"):
            raise BackupFailed("ciphertext", reason="what was written could not be read back whole")
        bring(self, *words, **more)

    monkeypatch.setattr(Repository, "bring_back", damaged)
    with pytest.raises(BackupFailed) as refused:
        drill(wish, household.places)
    assert "read back whole" in refused.value.facts["reason"]
    assert said == [BACK]


def test_what_the_door_says_is_told_until_it_opens(household, wish, said):
    answers = threading.Thread(target=lambda: drill(wish, household.places), daemon=True)
    with an_app(household, said, status=503):
        answers.start()
        ends = time.monotonic() + 30
        while "the app answers 503" not in said:
            assert time.monotonic() < ends
            time.sleep(0.02)
        assert AWAKE not in said


def test_a_word_is_a_line_that_is_no_report(capsys):
    module.say(BACK)
    assert json.loads(capsys.readouterr().out) == {WORD: BACK}
