"""Backups and drills of a real community, and everything that can go wrong with them."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from provisioner.core.place import home_dir, host_of, name_of, repository_dir
from provisioner.engine.back_up import request_backup, request_drill
from provisioner.engine.context import Context
from provisioner.engine.operations import run_operation
from provisioner.models.operation import OperationState
from tests.live.community import ask, wait_until

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def context(control_plane, state):
    return Context(state)


@pytest.fixture(scope="module")
def family(context):
    community, operation = ask(context, "The Keeper Family")
    carry(context, operation)
    made = context.store.get_community(community.id)
    media = Path(home_dir(made, context.place)) / "data" / "media"
    for number in range(50):
        (media / f"{number}.bin").write_bytes(os.urandom(20_000))
        os.chown(media / f"{number}.bin", 10100, 10100)
    return made


def carry(context, operation):
    run_operation(context, operation.id)
    wait_until(lambda: context.store.get_operation(operation.id).state in ENDS, "it is over", 300)
    return context.store.get_operation(operation.id)


ENDS = (OperationState.DONE, OperationState.FAILED)


def back_up(context, community):
    return carry(context, request_backup(context, community, requested_by="test"))


def drill(context, community):
    ended = carry(context, request_drill(context, community, requested_by="test"))
    return ended, context.store.find_drills([community.id])[community.id]


def is_serving(context, community):
    return context.gateway.get_status(host_of(community), "/healthz") == 200


def leftovers(context, community):
    name = name_of(community, context.settings.stack)
    return [
        each
        for each in context.engine.list_named(name)
        if any(word in each for word in ("phrase", "back", "drill", "restore", "count", "room"))
    ]


def test_a_backup_is_read_back_counted_and_leaves_nothing_behind(context, family):
    began = time.monotonic()
    ended = back_up(context, family)
    print(f"a backup took {time.monotonic() - began:.1f} s")
    assert ended.state == OperationState.DONE, ended.message
    (made,) = context.store.list_backups(family.id)
    assert made.files >= 50
    assert made.bytes > 50 * 20_000
    assert made.rows["community.sqlite3/member"] >= 1
    assert made.read == "1/1"
    assert leftovers(context, family) == []
    home = Path(home_dir(family, context.place))
    assert not (home / "scratch").exists()
    repository = Path(repository_dir(family, context.place))
    assert (repository / "config").is_file()
    stored = b"".join(p.read_bytes() for p in repository.rglob("*") if p.is_file())
    assert b"SQLite format 3" not in stored, "it is encrypted"
    assert is_serving(context, family)


def test_the_words_are_nowhere_in_plain(context, family, state):
    from provisioner.engine.phrase import PHRASE

    row = context.store.get_community(family.id)
    words = json.loads(context.vault.unseal(row.sealed_secrets))[PHRASE]
    assert len(words.split()) == 24
    database = b"".join(p.read_bytes() for p in state.db_dir.glob("taarafo.sqlite3*"))
    assert words.encode() not in database


def test_a_drill_brings_everything_back_and_takes_it_away_again(context, family):
    ended, told = drill(context, family)
    assert ended.state == OperationState.DONE, ended.message
    assert told.flaw == ""
    (newest,) = context.store.find_backups([family.id]).values()
    assert (told.rows, told.backup_id) == (newest.row_count, newest.id)
    assert 0 < told.restore_seconds < told.seconds
    print(f"a drill took {told.seconds} s, restic {told.restore_seconds} s")
    assert leftovers(context, family) == []
    assert not (Path(home_dir(family, context.place)) / "drill").exists()
    assert is_serving(context, family)


def test_a_second_backup_stores_only_what_is_new(context, family):
    repository = Path(repository_dir(family, context.place))
    before = size_of(repository)
    assert back_up(context, family).state == OperationState.DONE
    assert len(context.store.list_backups(family.id)) == 2
    assert size_of(repository) - before < 200_000


def size_of(folder):
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
