"""A community comes back from its backup on a second, empty control plane."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from provisioner.core.place import home_dir, repository_dir
from provisioner.engine.backups.back_up import request_backup
from provisioner.engine.backups.backup_places import record_places
from provisioner.engine.backups.kit import open_kit
from provisioner.engine.benchmarks.members import Member, join
from provisioner.engine.context import Context
from provisioner.engine.keys import get_keys
from provisioner.engine.machine.ground import record_deployed
from provisioner.engine.operations import run_operation
from provisioner.files import write_atomically
from provisioner.models.operation import OperationState
from tests.live.community import ask, erase, has_begun, wait_until
from tests.live.second import FIRST, UP_SECONDS, second_machine
from tests.s3_store import KEYS, s3_store

pytestmark = pytest.mark.live
WORD = "The apples are ripe."
ENDS = (OperationState.DONE, OperationState.FAILED)
LEFT = ("phrase", "source", "restor", "stage", "room", "move", "find", "put")


@pytest.fixture(scope="module")
def machine(engine):
    with second_machine(engine) as empty:
        yield empty


@pytest.fixture(scope="module")
def store(machine, tmp_path_factory):
    """Where both machines reach it."""
    with s3_store(tmp_path_factory.mktemp("s3") / "log", FIRST) as running:
        yield running


@pytest.fixture(scope="module")
def first(control_plane, state, store):
    """It keeps its backups in a store that outlives it."""
    write_atomically(state.keys_dir / "s3", KEYS.encode(), mode=0o600)
    address = f"s3:{store.endpoint}/families/first"
    context = Context(state.model_copy(update={"backup_s3": address}))
    images = context.images
    record_deployed(context, images, record_places(context, print))
    yield context
    (state.keys_dir / "s3").unlink()
    before = Context(state)
    record_deployed(before, images, record_places(before, print))


@pytest.fixture(scope="module")
def lost(first, tmp_path_factory):
    """A family whose host is gone: its kit, its member's browser, and a copy of its folder."""
    community, operation = ask(first, "The Orchard Family")
    carry(first, operation)
    made = first.store.get_community(community.id)
    (member,) = join(first, made, 1)
    assert member.ask("POST", "/posts", {"text": WORD, "audience": "community"})[0] == 303
    carry(first, request_backup(first, made, requested_by="test"))
    kit, folder = open_kit(first, made), tmp_path_factory.mktemp("usb") / "orchard"
    shutil.copytree(repository_dir(made, first.place), folder)
    console = get_keys(first, made).console_token
    carry(first, erase(first, made))
    (source,) = [copies.place for copies in kit.copies if copies.is_elsewhere]
    return {
        "words": " ".join(kit.words),
        "source": source,
        "folder": str(folder),
        "console": console,
        "member": member,
        "made": made,
    }


@pytest.fixture(scope="module")
def second(machine, lost, tmp_path_factory):
    """Brought up where nobody knew the family."""
    machine.command("up", seconds=UP_SECONDS)
    machine.catch_up(lost["made"].version, tmp_path_factory.mktemp("versions"))
    assert machine.context.store.list_communities().total == 0
    return machine


def carry(context, operation):
    run_operation(context, operation.id)
    wait_until(lambda: context.store.get_operation(operation.id).state in ENDS, "it is over", 300)
    ended = context.store.get_operation(operation.id)
    assert ended.state == OperationState.DONE, ended.message
    return ended


def member_again(lost):
    """Her browser, with the cookies of before."""
    old: Member = lost["member"]
    return Member(old.host, old.port, dict(old.cookies), old.word)


def assert_only_it_is_left(second, made):
    context = second.context
    back = context.store.get_community(made["id"])
    left = context.engine.list_named(f"{context.place.stack}-")
    assert not any(word in each for each in left for word in LEFT), left
    assert not (Path(home_dir(back, context.place)) / "drill").exists()
    return back


def test_one_command_brings_it_back_from_the_store(second, lost, tmp_path):
    """With the words as they stand on paper, numbered and in capitals."""
    keys = tmp_path / "keys"
    keys.write_text(KEYS)
    numbered = "  ".join(f"{n}. {w.upper()}" for n, w in enumerate(lost["words"].split(), 1))
    made = second.command(
        "restore", "--from", lost["source"], "--keys", str(keys), "--phrase", numbered
    )
    assert made["address"] == lost["made"].address
    assert made["rows"] > 0
    print(f"brought back in {made['seconds']} s")
    back = assert_only_it_is_left(second, made)
    assert (back.state, back.name, back.founder) == ("running", "The Orchard Family", "Ann")
    assert back.promises == lost["made"].promises
    assert made["console_url"].endswith(f"/my/{lost['console']}"), "her own page is the same"
    second.inside(lambda: assert_she_is_at_home(member_again(lost), made))
    assert second.command("check", back.address)["outcome"] == "GENUINE"
    again = second.command("community", "back-up", back.address)
    assert again["backups"][0]["rows"] > made["rows"], "it is backed up here, by the same words"
    assert second.command("community", "kit", back.address)["words"] == lost["words"].split()


def assert_she_is_at_home(member, made):
    status, page = member.ask("GET", "/")
    assert status == 200, "she is still signed in"
    assert WORD in page
    assert member.ask("POST", "/posts", {"text": "We are back", "audience": "community"})[0] == 303
    founder = Member(member.host, member.port)
    assert founder.ask("GET", made["signin_url"].partition(made["address"])[2])[0] == 200


def test_a_command_that_is_killed_is_continued_by_the_worker(second, lost):
    words = ("restore", "--from", lost["folder"], "--phrase", lost["words"], "--as", "orchard-cut")
    store = second.context.store
    with second.begin(*words) as command:
        wait_until(lambda: has_begun(store, "bring_home"), "its things come")
        command.kill()
    wait_until(lambda: store.is_taken("orchard-cut"), "its name is kept")
    cut = store.find_community("orchard-cut")
    wait_until(lambda: store.get_community(cut.id).state == "running", "it is back", 120)
    (operation,) = store.list_operations(cut.id)
    wait_until(lambda: store.get_operation(operation.id).state in ENDS, "all is tidy")
    assert store.get_operation(operation.id).attempts == 2
    assert_only_it_is_left(second, {"id": cut.id})


def test_beside_it_nothing_takes_its_place_unless_it_is_asked_to(second, lost):
    refused = second.try_command("restore", "--from", lost["folder"], "--phrase", lost["words"])
    assert refused.returncode != 0
    assert "choose another one with --as" in refused.stderr
    made = second.command(
        "restore", "--from", lost["folder"], "--phrase", lost["words"], "--as", "orchard-two"
    )
    back = assert_only_it_is_left(second, made)
    assert back.address == "orchard-two.localhost:8080"
    assert not made["console_url"].endswith(lost["console"])


def test_wrong_words_and_a_damaged_copy_bring_nothing_and_leave_nothing(second, lost, tmp_path):
    before = second.context.store.list_communities().total
    other = "abandon " * 23 + "art"
    refused = second.try_command(
        "restore", "--from", lost["folder"], "--phrase", other, "--as", "orchard-three"
    )
    assert "the words do not open this repository" in refused.stderr
    damaged = tmp_path / "damaged"
    shutil.copytree(lost["folder"], damaged)
    packs = [path for path in (damaged / "data").rglob("*") if path.is_file()]
    pack = max(packs, key=lambda path: path.stat().st_size)
    content = bytearray(pack.read_bytes())
    content[len(content) // 2] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(content)
    refused = second.try_command(
        "restore", "--from", str(damaged), "--phrase", lost["words"], "--as", "orchard-three"
    )
    assert refused.returncode != 0
    assert "Nothing was brought back: " in refused.stderr
    assert second.context.store.list_communities().total == before
    left = second.context.engine.list_named(f"{second.context.place.stack}-")
    assert not any("three" in each or "restoring" in each for each in left)
