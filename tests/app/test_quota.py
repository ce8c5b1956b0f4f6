"""What the host lets a community keep: photos stop there, words never do, and it holds at once."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from app.migrate import migrate
from app.quota import MB, OverQuota, Quota, read_quota
from app.settings import Settings, read_settings

from provisioner.core.quotas import MB as TOLD_MB
from provisioner.core.quotas import RESERVE_MB
from tests.app.conftest import WELCOME, Place
from tests.app.people import photo
from tests.app.running import Running

REFUSED = "has used up its room for photos"


def allow(settings: Settings, text: str) -> None:
    settings.quota.write_text(text, encoding="utf-8")


def fill(settings: Settings, length: int) -> None:
    """As if she had shared a photo of so many bytes."""
    db = sqlite3.connect(settings.database)
    with db:
        db.execute(
            "INSERT INTO photo (id, author_id, position, width, height, bytes, made_at)"
            " VALUES ('filler', 1, 0, 1, 1, ?, 9999999999)",
            (length,),
        )
    db.close()


def use_of(settings: Settings) -> Quota:
    db = sqlite3.connect(settings.database)
    try:
        return read_quota(db, settings)
    finally:
        db.close()


def count_files(settings: Settings) -> int:
    return len(list(settings.media.iterdir()))


@pytest.mark.parametrize("text", ["", "0", "none", "-5", "²", "9" * 12, "5.0"])
def test_what_is_no_number_is_no_limit(place: Place, text: str):
    allow(place.settings, text)
    assert use_of(place.settings).most == 0


def test_without_a_file_there_is_no_limit(place: Place):
    assert use_of(place.settings).most == 0
    assert not Quota(0, 10**12).is_near


def test_it_is_near_at_four_fifths_and_reached_at_all():
    assert not Quota(100, 79).is_near
    assert Quota(100, 80).is_near
    assert not Quota(100, 99).is_reached
    assert Quota(100, 100).is_reached
    Quota(100, 90).refuse_beyond(10)
    with pytest.raises(OverQuota):
        Quota(100, 90).refuse_beyond(11)


def test_what_is_used_is_what_is_there(place: Place):
    ann = place.founder()
    ann.share("by the lake", (photo(), "a.jpg"))
    kept = sum(file.stat().st_size for file in place.settings.media.iterdir())
    base = place.settings.database.stat().st_size
    assert use_of(place.settings).used == kept + base


def test_a_photo_over_the_quota_is_refused_and_the_words_stay(place: Place):
    ann = place.founder()
    allow(place.settings, "10")
    fill(place.settings, 10 * MB)
    answer = ann.share("my long story", (photo(), "a.jpg"))
    assert answer.status_code == 507
    assert REFUSED in answer.text
    assert "my long story" in answer.text
    assert count_files(place.settings) == 0
    assert ann.share("only words").status_code == 303
    assert "only words" in ann.get("/").text


def test_a_photo_that_would_pass_the_quota_leaves_nothing(place: Place):
    ann = place.founder()
    allow(place.settings, "10")
    fill(place.settings, 10 * MB - use_of(place.settings).used - 100)
    assert ann.share("it nearly fits", (photo(), "a.jpg")).status_code == 507
    assert count_files(place.settings) == 0


def test_another_limit_holds_at_once(place: Place):
    ann = place.founder()
    fill(place.settings, 11 * MB)
    allow(place.settings, "10")
    assert ann.share("no", (photo(), "a.jpg")).status_code == 507
    allow(place.settings, "20")
    assert ann.share("yes", (photo(), "a.jpg")).status_code == 303
    allow(place.settings, "10")
    assert ann.share("no again", (photo(), "a.jpg")).status_code == 507
    place.settings.quota.unlink()
    assert ann.share("no limit", (photo(), "a.jpg")).status_code == 303


def test_the_owner_is_told_before_and_when_it_is_full(place: Place):
    ann = place.founder()
    allow(place.settings, "10")
    assert "of its 10 MB" in ann.get("/owner").text
    assert "nearly all" not in ann.get("/owner").text
    fill(place.settings, 8 * MB)
    assert "That is nearly all of it" in ann.get("/owner").text
    allow(place.settings, "7")
    assert "It is full, so nobody can share photos" in ann.get("/owner").text


def test_several_at_once_do_not_pass_it(make_settings: Callable[..., Settings], tmp_path: Path):
    """The real process, five uploads side by side, and room for two."""
    settings = make_settings()
    migrate(settings)
    running = Running(settings)
    running.send(f"/welcome/{WELCOME}")
    running.send("/me/first-password", password="apple tree river")
    assert running.share_photo("the first", photo())[0] == 303
    one = sum(file.stat().st_size for file in settings.media.iterdir())
    allow(settings, "20")
    fill(settings, 20 * MB - use_of(settings).used - 2 * one - one // 2)
    answers: list[int] = []

    def share() -> None:
        answers.append(running.share_photo("one of five", photo())[0])

    threads = [threading.Thread(target=share) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    running.stop()
    assert sorted(answers) == [303, 303, 507, 507, 507]
    assert use_of(settings).used <= 20 * MB
    whole = sqlite3.connect(settings.database)
    assert whole.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    whole.close()


def test_the_host_counts_and_tells_as_the_app_does(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("APP_RESERVE_MB", raising=False)
    assert (read_settings().reserve_mb, MB) == (RESERVE_MB, TOLD_MB)
