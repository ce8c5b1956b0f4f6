"""Copies of the database: made while others write, put back whole, and what a way back loses."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading

import pytest

from provisioner.errors import DatabaseDamaged, SettingWrong, Unavailable
from provisioner.store import Store, database
from provisioner.store.copies import list_lost
from tests.fakes import make_tables
from tests.store_migrations import FAILS, GOOD, GOOD_BACK, NEXT, SPOILS, add_migration
from tests.test_store import ask


@pytest.fixture
def store(tmp_path):
    (tmp_path / "s.sqlite3").write_bytes(make_tables())
    store = Store(f"sqlite:///{tmp_path / 's.sqlite3'}")
    yield store
    store.close()


def labels(store):
    return sorted(each.label for each in store.list_communities(limit=100).rows)


def read(path, query):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        return db.execute(query).fetchall()


def test_a_copy_has_all_that_was_acknowledged_and_is_made_while_others_write(store, tmp_path):
    before, ended, made = [], threading.Event(), []

    def write():
        while not ended.is_set():
            made.append(ask(store, f"c{len(made):04}")[0].label)

    writer = threading.Thread(target=write)
    writer.start()
    while len(made) < 20:
        pass
    before = list(made)
    store.keep_copy(tmp_path / "kept.sqlite3")
    ended.set()
    writer.join()
    kept = {label for (label,) in read(tmp_path / "kept.sqlite3", "SELECT label FROM community")}
    assert set(before) <= kept
    assert labels(store) == sorted(made), "nobody was held up or lost"
    assert read(tmp_path / "kept.sqlite3", "PRAGMA integrity_check") == [("ok",)]
    assert [path.name for path in tmp_path.glob("*kept*")] == ["kept.sqlite3"]
    assert (tmp_path / "kept.sqlite3").stat().st_mode & 0o077 == 0


def test_the_log_grows_until_it_is_folded_and_begins_anew_then(store, tmp_path):
    def write(names):
        for number in names:
            ask(store, f"c{number:04}")
        return (tmp_path / "s.sqlite3-wal").stat().st_size

    long = write(range(300))
    assert long > 1100 * 4096, "SQLite would have folded it after a thousand pages"
    store.fold_log()
    assert write(range(300, 400)) == long
    assert len(store.list_communities(limit=1000).rows) == 400
    store.refuse_damage()


def test_the_log_is_not_folded_while_somebody_writes(store, tmp_path, monkeypatch):
    monkeypatch.setattr(database, "LOCK_SECONDS", 0.1)
    store = Store(store.url)
    before = (tmp_path / "s.sqlite3").stat().st_mtime_ns
    ask(store, "first")
    with store.session(), pytest.raises(Unavailable):
        store.fold_log()
    assert (tmp_path / "s.sqlite3").stat().st_mtime_ns == before
    store.fold_log()
    assert (tmp_path / "s.sqlite3").stat().st_mtime_ns > before
    store.close()


def test_it_is_put_back_whole_also_under_another_who_has_it_open(store, tmp_path):
    ask(store, "smith")
    store.keep_copy(tmp_path / "kept.sqlite3")
    other = Store(store.url)
    ask(other, "later")
    assert labels(other) == ["later", "smith"]
    store.put_back(tmp_path / "kept.sqlite3")
    assert labels(other) == labels(store) == ["smith"]
    ask(other, "after")
    assert labels(store) == ["after", "smith"]
    store.refuse_damage()
    other.close()


def test_a_copy_that_is_damaged_or_gone_changes_nothing(store, tmp_path):
    kept = tmp_path / "kept.sqlite3"
    for number in range(50):
        ask(store, f"c{number:03}")
    store.keep_copy(kept)
    raw = bytearray(kept.read_bytes())
    raw[4096 * 3 : 4096 * 12] = b"\xff" * 4096 * 9
    kept.write_bytes(raw)
    ask(store, "later")
    for path in (kept, tmp_path / "nothing.sqlite3"):
        with pytest.raises(DatabaseDamaged):
            store.put_back(path)
    assert len(labels(store)) == 51


def test_another_database_is_refused_in_words(store, tmp_path):
    store.url = "postgresql://somewhere/else"  # no driver for it is shipped
    with pytest.raises(SettingWrong, match="setting-wrong") as refused:
        store.keep_copy(tmp_path / "kept.sqlite3")
    assert "no copy of that database can be kept" in refused.value.explain()
    assert [path.name for path in tmp_path.glob("*kept*")] == []


def test_a_migration_that_fails_leaves_the_form_and_every_row(store, tmp_path):
    ask(store, "smith")
    newer = Store(store.url, migrations=add_migration(tmp_path, FAILS))
    before = newer.find_revision()
    with pytest.raises(RuntimeError):
        newer.migrate()
    assert newer.find_revision() == before
    assert labels(store) == ["smith"]
    newer.close()


def test_one_that_deletes_half_and_is_killed_is_put_back_from_the_copy(store, tmp_path):
    ask(store, "smith")
    store.keep_copy(tmp_path / "kept.sqlite3")
    before = store.find_revision()
    store.close()
    migrations = add_migration(tmp_path, SPOILS)
    program = "import sys; from pathlib import Path; from provisioner.store import Store; "
    program += "Store(sys.argv[1], migrations=Path(sys.argv[2])).migrate()"
    ended = subprocess.run([sys.executable, "-c", program, store.url, migrations], check=False)
    assert ended.returncode == -9
    assert labels(store) == [], "it really deleted"
    store.put_back(tmp_path / "kept.sqlite3")
    assert labels(store) == ["smith"]
    assert store.find_revision() == before


def test_a_version_knows_its_own_forms_and_no_newer_one(store, tmp_path):
    newer = Store(store.url, migrations=add_migration(tmp_path, GOOD, GOOD_BACK))
    assert newer.newest_revision == NEXT
    newer.migrate()
    assert store.find_revision() == NEXT
    assert newer.knows(NEXT)
    assert newer.knows(store.newest_revision)
    assert not store.knows(NEXT)
    assert store.knows("")
    newer.close()


def test_what_a_way_back_loses_is_found_by_going_it(store, tmp_path):
    ask(store, "smith")
    ask(store, "jones")
    migrations = add_migration(tmp_path, GOOD, GOOD_BACK)
    newer = Store(store.url, migrations=migrations)
    newer.migrate()
    kept, scratch = tmp_path / "kept.sqlite3", tmp_path / "scratch.sqlite3"
    newer.keep_copy(kept)
    before = store.newest_revision
    assert list_lost(kept, before, migrations, scratch) == {}, "nobody has a motto"
    with newer.session() as session:
        session.connection().exec_driver_sql(
            "UPDATE community SET motto = 'Be kind' WHERE label = 'smith'"
        )
    newer.keep_copy(kept)
    assert list_lost(kept, before, migrations, scratch) == {"community": 1}
    assert read(kept, "SELECT motto FROM community WHERE label = 'smith'") == [("Be kind",)]
    newer.take_back(before)
    assert labels(store) == ["jones", "smith"]
    newer.close()


def test_rows_are_counted_by_table(store):
    ask(store, "smith")
    counts = store.count_rows()
    assert (counts["community"], counts["operation"], counts["rollout"]) == (1, 1, 0)
    assert "alembic_version" not in counts
