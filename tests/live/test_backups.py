"""Backups and drills of a real community, and everything that can go wrong with them."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from provisioner.core.place import home_dir, host_of, name_of, repository_dir
from provisioner.engine.backups.back_up import request_backup, request_drill
from provisioner.engine.context import Context
from provisioner.engine.operations import run_operation
from provisioner.errors import NotFound
from provisioner.models.operation import OperationState
from tests.live.community import ask, erase, wait_until

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
    from provisioner.engine.backups.phrase import PHRASE

    row = context.store.get_community(family.id)
    words = json.loads(context.vault.unseal(row.sealed_secrets))[PHRASE]
    assert len(words.split()) == 24
    database = read_elsewhere(state.db_dir)
    assert row.address.encode() in database, "what is read is the database"
    assert words.encode() not in database


def read_elsewhere(folder):
    """What its files hold, read by another process.

    One that has the database open must not: closing the file again lets go of every lock that it
    holds there, and the next writer beside it spoils the database (SQLite, How To Corrupt, 2.2).
    """
    files = [str(path) for path in folder.glob("taarafo.sqlite3*")]
    return subprocess.run(["cat", *files], check=True, capture_output=True).stdout


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


# -- what can go wrong: nothing of it counts, and the community runs on ---------------------------


@pytest.fixture
def unharmed(context, family):
    """Whatever the test does, no good row comes of it, and the community serves all the while."""
    before = [each.id for each in context.store.list_backups(family.id)]
    ended, missed = threading.Event(), []

    def look():
        while not ended.wait(0.2):
            if not is_serving(context, family):
                missed.append(time.monotonic())

    looking = threading.Thread(target=look)
    looking.start()
    yield
    ended.set()
    looking.join()
    assert missed == []
    assert [each.id for each in context.store.list_backups(family.id)] == before
    assert leftovers(context, family) == []


def test_other_words_open_nothing(context, family, unharmed):
    row = context.store.get_community(family.id)
    secrets = json.loads(context.vault.unseal(row.sealed_secrets))
    other = {**secrets, "backup_phrase": "zoo " * 23 + "vote"}
    sealed = context.vault.seal(json.dumps(other).encode())
    context.store.change_community(family.id, sealed_secrets=sealed)
    try:
        ended = back_up(context, family)
        _, told = drill(context, family)
    finally:
        context.store.change_community(family.id, sealed_secrets=row.sealed_secrets)
    assert ended.state == OperationState.FAILED
    assert "the words do not open" in ended.message
    assert "the words do not open" in told.flaw
    assert told.rows == 0


def test_a_flipped_byte_is_found_by_reading_back(context, family, unharmed):
    packs = (Path(repository_dir(family, context.place)) / "data").rglob("*")
    pack = max((p for p in packs if p.is_file()), key=lambda path: path.stat().st_size)
    whole = pack.read_bytes()
    place = len(whole) // 2
    pack.chmod(0o600)
    pack.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    try:
        ended = back_up(context, family)
        _, told = drill(context, family)
    finally:
        pack.write_bytes(whole)
    assert ended.state == OperationState.FAILED
    assert ended.error_code == "backup-failed"
    assert "could not be read back whole" in ended.message
    assert told.flaw


def test_a_full_disk_at_the_repository_gives_no_backup(context, family, unharmed):
    folder = repository_dir(family, context.place)
    media = Path(home_dir(family, context.place)) / "data" / "media" / "large.bin"
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", folder]
    subprocess.run(mount, check=True)  # empty, so a new repository is begun in it
    try:
        media.write_bytes(os.urandom(4 * 2**20))
        os.chown(media, 10100, 10100)
        ended = back_up(context, family)
    finally:
        media.unlink()
        subprocess.run(["umount", folder], check=True)
    assert ended.state == OperationState.FAILED
    assert "is full" in ended.message


def test_a_job_that_is_killed_gives_no_backup(context, family, engine, unharmed):
    media = Path(home_dir(family, context.place)) / "data" / "media" / "large.bin"
    media.write_bytes(os.urandom(64 * 2**20))
    os.chown(media, 10100, 10100)
    name = f"{name_of(family, context.settings.stack)}-back-up-local"
    killed = threading.Thread(target=kill, args=(engine, name))
    killed.start()
    try:
        ended = back_up(context, family)
    finally:
        killed.join()
        media.unlink()
    assert ended.state == OperationState.FAILED
    assert "cut off" in ended.message


def kill(engine, service):
    docker = ["docker", "--host", engine.docker_host]
    running = [*docker, "ps", "-q", "--filter", f"label=com.docker.swarm.service.name={service}"]
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        found = subprocess.run(running, capture_output=True, text=True, check=True).stdout.split()
        if found:
            subprocess.run([*docker, "kill", *found], check=True, stdout=subprocess.DEVNULL)
            return
        time.sleep(0.1)


def test_a_file_that_never_rests_gives_no_backup(context, family, unharmed):
    media = Path(home_dir(family, context.place)) / "data" / "media" / "restless.bin"
    media.write_bytes(b"begun")
    os.chown(media, 10100, 10100)
    ended = threading.Event()

    def write():
        while not ended.wait(0.05):
            with media.open("ab") as file:
                file.write(b"more")

    writing = threading.Thread(target=write)
    writing.start()
    try:
        over = back_up(context, family)
    finally:
        ended.set()
        writing.join()
        media.unlink()
    assert over.state == OperationState.FAILED
    assert "changed while they were copied: media/restless.bin" in over.message


def test_after_all_of_that_the_next_backup_counts(context, family):
    assert back_up(context, family).state == OperationState.DONE
    assert len(context.store.list_backups(family.id)) == 3
    ended, told = drill(context, family)
    assert (ended.state, told.flaw) == (OperationState.DONE, "")


def test_a_community_without_a_backup_cannot_be_drilled(context):
    community, operation = ask(context, "The Bare Family")
    carry(context, operation)
    made = context.store.get_community(community.id)
    with pytest.raises(NotFound):
        request_drill(context, made, requested_by="test")
    carry(context, erase(context, made))


def test_with_a_community_go_its_backups(context, family):
    folder = Path(repository_dir(family, context.place))
    assert folder.exists()
    ended = carry(context, erase(context, family))
    assert ended.state == OperationState.DONE, ended.message
    assert not folder.exists()
    assert context.store.list_backups(family.id) == []
