"""A disk that is really full: photos are refused with a sentence, reading goes on."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from app.settings import Settings

from tests.app.conftest import WELCOME
from tests.app.people import photo
from tests.app.running import Running


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Eight megabytes of disk."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def running(make_settings: Callable[..., Settings], small_disk: Path) -> Iterator[Running]:
    found = Running(make_settings(data=small_disk / "data"))
    found.send(f"/welcome/{WELCOME}")
    found.send("/me/first-password", password="apple tree river")
    assert found.share_photo("there was room", photo())[0] == 303
    yield found
    if found.process.poll() is None:
        found.kill()


def fill(folder: Path, leave: int) -> None:
    """Write until only `leave` bytes are free."""
    with (folder / "filler").open("wb") as filler:
        try:
            while os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize > leave:
                filler.write(b"x" * 4096)
                filler.flush()
        except OSError:
            return


def test_photos_are_refused_and_words_still_fit(running: Running, small_disk: Path):
    fill(small_disk, leave=900_000)  # below the reserve of one megabyte
    status, page = running.share_photo("my long story", photo())
    assert status == 507
    assert "There is no room for more photos right now" in page
    assert "my long story" in page
    assert running.send("/posts", page="/", text="only words", audience="community")[0] == 303
    assert "only words" in running.ask("GET", "/")[1]
    running.kill()
    database = sqlite3.connect(small_disk / "data" / "community.sqlite3")
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert database.execute("SELECT count(*) FROM post").fetchone() == (2,)
    database.close()


def test_a_large_upload_stops_at_the_reserve(running: Running, small_disk: Path):
    status, page = running.share_photo("too big for here", b"\xff\xd8" + b"x" * 9_000_000)
    assert status == 507
    assert "too big for here" in page
    assert os.statvfs(small_disk).f_bavail * 4096 > 1_000_000, "the upload was left behind"


def test_a_completely_full_disk_is_still_read(running: Running, small_disk: Path):
    fill(small_disk, leave=0)
    for page in ("/", "/members", "/me", "/rules"):
        assert running.ask("GET", page)[0] == 200
    status, page = running.send("/posts", page="/", text="x" * 9000, audience="community")
    assert status == 507
    assert "Nothing old was lost" in page
    assert "there was room" in running.ask("GET", "/")[1]
    assert running.ask("GET", "/me/download")[1].startswith("PK")


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_restart_on_a_full_disk_can_be_read(running: Running, small_disk: Path, end: str):
    fill(small_disk, leave=0)
    getattr(running, end)()
    running.start()
    assert "there was room" in running.ask("GET", "/")[1]


def test_room_again_means_sharing_again(running: Running, small_disk: Path):
    fill(small_disk, leave=0)
    assert running.share_photo("first try", photo())[0] == 507
    (small_disk / "filler").unlink()
    assert running.share_photo("second try", photo())[0] == 303
