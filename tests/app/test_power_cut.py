"""What was answered with “kept” is on the disk, not only on its way there (fsync(2))."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from app import darkroom, shrink
from app.database import connect

from tests.app.conftest import Place
from tests.app.people import photo


@pytest.fixture
def written_out(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths that were written out, in their order, with what was in each file then."""
    seen: list[str] = []
    write_out = os.fsync

    def remember(number: int) -> None:
        path = Path(f"/proc/self/fd/{number}").readlink()
        seen.append(f"{path} {path.stat().st_size if path.is_file() else ''}".strip())
        write_out(number)

    monkeypatch.setattr(os, "fsync", remember)
    return seen


def test_each_size_of_a_photo_is_written_out_whole(tmp_path, monkeypatch, written_out):
    monkeypatch.setattr(shrink.resource, "setrlimit", lambda *_: None)  # it is our own process
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(photo())))
    files = [str(tmp_path / name) for name in ("large.jpg", "small.jpg")]
    assert shrink.main(["200", files[0], "100", files[1]]) == 0
    assert written_out == [f"{file} {Path(file).stat().st_size}" for file in files]


def test_the_names_of_a_photo_are_written_out_before_it_is_noted(place: Place, written_out):
    ann = place.founder()
    ann.share("at the lake", (photo(), "lake.jpg"))
    assert written_out == [str(place.settings.media)]
    assert ann.media()


def test_a_folder_that_cannot_be_written_out_leaves_no_photo(place: Place, monkeypatch):
    def fail(_: Path) -> None:
        raise OSError

    ann = place.founder()
    monkeypatch.setattr(darkroom, "_keep_names", fail)
    ann.share("at the lake", (photo(), "lake.jpg"))
    assert list(place.settings.media.iterdir()) == []


def test_every_change_of_the_database_is_written_out(place: Place):
    db = connect(place.settings.database)
    assert db.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL, SQLite's own number
    db.close()
