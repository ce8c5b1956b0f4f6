"""The write-ahead log is copied into the database while nobody writes, and at no other time."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from app import database
from app.database import connect, fold_log, transaction
from app.settings import Settings

ROWS = 2000  # each is a page of the log, and the log is long after a thousand


@pytest.fixture
def path(make_settings: Callable[..., Settings]) -> Path:
    found: Path = make_settings().database
    return found


def write(path: Path, rows: int) -> None:
    with closing(connect(path)) as db:
        db.execute("CREATE TABLE IF NOT EXISTS words (word TEXT)")
        for number in range(rows):
            db.execute("INSERT INTO words VALUES (?)", (f"word {number}",))


def count(path: Path) -> int:
    with closing(connect(path)) as db:
        return int(db.execute("SELECT count(*) FROM words").fetchone()[0])


def size_of_log(path: Path) -> int:
    return path.with_name(f"{path.name}-wal").stat().st_size


def test_the_log_grows_until_it_is_folded_and_begins_anew_then(path: Path):
    with closing(connect(path)) as anchor:
        anchor.execute("SELECT count(*) FROM member").fetchone()
        write(path, ROWS)
        long = size_of_log(path)
        assert long > database.LONG_LOG, "SQLite left it alone"
        fold_log(path)
        write(path, ROWS // 2)
        assert size_of_log(path) == long
        assert count(path) == ROWS + ROWS // 2
        assert anchor.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_a_short_log_is_left_alone(path: Path):
    with closing(connect(path)) as anchor:
        anchor.execute("SELECT count(*) FROM member").fetchone()
        write(path, 5)
        before = path.stat().st_mtime_ns
        fold_log(path)
        assert path.stat().st_mtime_ns == before


def test_it_waits_for_who_writes_and_leaves_the_log_as_it_is(path: Path, monkeypatch):
    with closing(connect(path)) as db:
        write(path, ROWS)
        monkeypatch.setattr(database, "BUSY_MS", 50)
        before = path.stat().st_mtime_ns
        with transaction(db), pytest.raises(sqlite3.OperationalError, match="locked"):
            fold_log(path)
        assert path.stat().st_mtime_ns == before
        fold_log(path)
        assert path.stat().st_mtime_ns > before


def test_a_crowd_loses_no_word_while_it_is_folded_again_and_again(path: Path, monkeypatch):
    monkeypatch.setattr(database, "LONG_LOG", 1)
    write(path, 0)
    crowd = [threading.Thread(target=write, args=(path, 200)) for _ in range(6)]
    for writer in crowd:
        writer.start()
    while any(writer.is_alive() for writer in crowd):
        fold_log(path)
    assert count(path) == 200 * len(crowd)
