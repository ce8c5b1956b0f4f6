"""The database: one winner for a name, one worker for an operation, locks are waited for."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import import_module
from pkgutil import iter_modules

import pytest
from alembic import command
from alembic.config import Config

from provisioner import models
from provisioner.core.promises import plan_promises
from provisioner.errors import NameRefused, NotFound, Unavailable
from provisioner.models.community import CommunityRequest
from provisioner.models.operation import OperationState
from provisioner.models.promise import Preset
from provisioner.store import Store
from provisioner.store.database import MIGRATIONS
from tests.fakes import START, make_tables


@pytest.fixture
def store(tmp_path):
    (tmp_path / "s.sqlite3").write_bytes(make_tables())
    store = Store(f"sqlite:///{tmp_path / 's.sqlite3'}")
    yield store
    store.close()


def wish(label="smith"):
    return CommunityRequest(
        name="Smith",
        label=label,
        preset=Preset.FAMILY,
        promises=plan_promises(Preset.FAMILY),
        founder="Ann",
    )


def ask(store, label="smith", **more):
    return store.request_create(
        wish(label), f"{label}.localhost", now=START, requested_by="test", **more
    )


def test_two_people_in_the_same_second_one_wins_and_the_other_is_told(store):
    start = threading.Barrier(8)

    def take(number):
        start.wait()
        try:
            return ask(store, "smith" if number % 2 else "sm1th")
        except NameRefused as refused:
            return refused

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(take, range(8)))
    winners = [r for r in results if not isinstance(r, NameRefused)]
    assert len(winners) == 1
    told = [r for r in results if isinstance(r, NameRefused)]
    assert all("a moment ago" in r.explain() and r.suggestion for r in told)
    assert store.list_communities().total == 1
    assert len(store.list_operations()) == 1, "nothing half made is left"


def test_a_double_submit_in_the_same_moment_makes_one(store):
    start = threading.Barrier(6)

    def submit(_):
        start.wait()
        return ask(store, idempotency_key="form-1")

    with ThreadPoolExecutor(6) as pool:
        ids = {community.id for community, _ in pool.map(submit, range(6))}
    assert len(ids) == 1


def test_one_worker_at_a_time_until_its_lease_ends(store):
    _, operation = ask(store)
    later = START + timedelta(seconds=16)
    assert store.lease(operation.id, "a", START, 15)
    assert not store.lease(operation.id, "b", START, 15)
    assert store.list_stranded(START) == []
    assert store.list_stranded(later) == [operation.id]
    assert store.lease(operation.id, "b", later, 15)
    assert not store.extend_lease(operation.id, "a", later, 15)
    assert not store.record_state(operation.id, "a", OperationState.RUNNING)
    assert store.record_end(operation.id, "b", OperationState.DONE, later)
    assert not store.lease(operation.id, "c", later + timedelta(days=1), 15), "it is over"


def test_many_workers_race_for_one_operation_and_one_gets_it(store):
    _, operation = ask(store)
    start = threading.Barrier(8)

    def grab(number):
        start.wait()
        return store.lease(operation.id, str(number), START, 15)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(grab, range(8))) == 1


def test_a_locked_database_is_waited_for(store, tmp_path):
    other = sqlite3.connect(tmp_path / "s.sqlite3", check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.5, other.rollback).start()
    community, _ = ask(store)
    assert store.get_community(community.id).label == "smith"


def test_one_that_stays_locked_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("provisioner.store.database.LOCK_SECONDS", 0.2)
    store = Store(f"sqlite:///{tmp_path / 's.sqlite3'}")
    store.migrate()
    other = sqlite3.connect(tmp_path / "s.sqlite3")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable) as waiting:
        ask(store)
    assert "our notebook" in waiting.value.explain()
    other.rollback()
    ask(store)


def test_reading_goes_on_while_another_writes(store, tmp_path):
    community, _ = ask(store)
    other = sqlite3.connect(tmp_path / "s.sqlite3")
    other.execute("BEGIN IMMEDIATE")
    assert store.get_community(community.id).name == "Smith"
    other.rollback()


def test_search_finds_by_name_address_and_founder(store):
    ask(store, "smith")
    ask(store, "jones")
    assert store.list_communities(search="ANN").total == 2
    assert store.list_communities(search="jones").total == 1
    assert store.list_communities(search="%").total == 0
    assert store.list_communities(search="nobody").rows == []


def test_what_is_not_there_is_said(store):
    with pytest.raises(NotFound):
        store.get_community("nothing")
    assert store.find_community("nothing") is None


def test_an_id_is_no_other_communitys_address(store):
    victim, _ = ask(store, "smith")
    thief, _ = ask(store, victim.id)
    assert store.find_community(victim.id).id == victim.id
    assert store.find_community(thief.id).id == thief.id


def test_migrating_twice_changes_nothing_and_the_tables_are_the_models(store):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlmodel import SQLModel

    for module in iter_modules(models.__path__):  # a table is known once its module is loaded
        import_module(f"provisioner.models.{module.name}")
    store.migrate()
    with store.session() as session:
        found = MigrationContext.configure(session.connection())
        assert compare_metadata(found, SQLModel.metadata) == []


def test_a_database_of_before_the_history_is_brought_on_and_back(tmp_path):
    from alembic import command
    from alembic.config import Config

    store = Store(f"sqlite:///{tmp_path / 's.sqlite3'}")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    tables = "SELECT name FROM sqlite_master WHERE name IN ('day_of_verdicts', 'verdict_change')"
    for change, count in ((command.upgrade, 2), (command.downgrade, 0), (command.upgrade, 2)):
        with store._engine.begin() as connection:
            config.attributes["connection"] = connection
            change(config, "0002" if change is command.downgrade else "head")
            assert len(connection.exec_driver_sql(tables).all()) == count
        if count == 2 and not store.list_communities().total:
            ask(store)
    assert store.find_community("smith").name == "Smith"
    store.close()


def read_all(url, query):
    with sqlite3.connect(url.removeprefix("sqlite:///")) as db:
        return db.execute(query).fetchall()


def test_every_step_of_the_database_can_be_taken_back_and_again(tmp_path):
    """What a community was asked and is made of is there after each of them."""
    store = Store(f"sqlite:///{tmp_path / 's.sqlite3'}")
    store.migrate()
    community, operation = ask(store)
    kept = "select id, label, release, founder, promises, state, created_at from community"
    done = "select id, kind, community_id, active_for, state, created_at from operation"
    before = [read_all(store.url, query) for query in (kept, done)]
    assert before[0][0][0] == community.id
    assert before[1][0][0] == operation.id
    steps = sorted(path.name[:4] for path in (MIGRATIONS / "versions").glob("0*.py"))
    for step in reversed(steps[:-1]):
        move(store, command.downgrade, step)
        assert [read_all(store.url, query) for query in (kept, done)] == before, step
    for step in steps[1:]:
        move(store, command.upgrade, step)
        assert [read_all(store.url, query) for query in (kept, done)] == before, step
    living = store.get_community(community.id)
    assert (living.slot, living.pinned_to) == ("", ""), "it was made before there were slots"
    store.close()


def move(store, order, step):
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with store._engine.begin() as connection:
        config.attributes["connection"] = connection
        order(config, step)


def test_side_files_that_cannot_be_opened_for_a_moment_are_waited_for(tmp_path, monkeypatch):
    """As when the services are being stopped while `up` looks at their database."""
    monkeypatch.setattr("provisioner.store.database.LOCK_SECONDS", 1.0)
    store = Store(f"sqlite:///{tmp_path / 's.sqlite3'}")
    store.migrate()
    ask(store)
    store.close()
    in_the_way = tmp_path / "s.sqlite3-shm"
    in_the_way.mkdir()
    with pytest.raises(Unavailable):
        store.migrate()
    remover = threading.Timer(0.5, in_the_way.rmdir)
    remover.start()
    store.migrate()
    remover.join()
    assert store.list_communities().total == 1
    store.close()
