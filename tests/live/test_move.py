"""A community moves to a second, empty control plane, and its old address leads there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import pytest

from provisioner.core.place import door_dir, home_dir, host_of, name_of
from provisioner.engine.benchmarks.members import Member, join
from provisioner.engine.context import Context
from provisioner.engine.machine.up import bring_up
from provisioner.engine.moves.export import request_export
from provisioner.engine.moves.open_bundle import read_bundle
from provisioner.engine.moves.signing import get_fingerprint
from provisioner.engine.operations import run_operation, run_stranded
from provisioner.models.community import CommunityState
from provisioner.models.operation import OperationState
from provisioner.settings import ROOT
from tests.live.breaking import run_doomed
from tests.live.community import ask, erase, get, has_begun, wait_until
from tests.live.second import UP_SECONDS, second_machine
from tests.live.test_backups import kill

pytestmark = pytest.mark.live
WORD = "The apples are ripe."
ENDS = (OperationState.DONE, OperationState.FAILED)


@pytest.fixture(scope="module")
def first(control_plane, state):
    """With the deployed worker at rest: who carries what is this test's choice."""
    context = Context(state.model_copy(update={"lease_seconds": 1.0}))
    context.engine.remove_service(f"{state.stack}-worker")
    yield context
    bring_up(state, say=lambda _: None)


@pytest.fixture(scope="module")
def second(engine, family, tmp_path_factory):
    """Another machine, with a control plane that knows nothing of the first one."""
    with second_machine(engine) as machine:
        machine.command("up", seconds=UP_SECONDS)
        machine.catch_up(family.version, tmp_path_factory.mktemp("versions"))
        assert machine.context.store.list_communities().total == 0
        yield machine


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("usb")


@pytest.fixture(scope="module")
def family(first):
    community, operation = ask(first, "The Harvest Family")
    assert carry(first, operation).state == OperationState.DONE
    media = Path(home_dir(community, first.place)) / "data" / "media"
    for number in range(20):
        (media / f"{number}.bin").write_bytes(os.urandom(50_000))
        os.chown(media / f"{number}.bin", 10100, 10100)
    return first.store.get_community(community.id)


@pytest.fixture(scope="module")
def member(first, family):
    (member,) = join(first, family, 1)
    assert post(member, WORD) == 303
    return member


def post(member, text):
    return member.ask("POST", "/posts", {"text": text, "audience": "community"})[0]


def carry(context, operation):
    run_operation(context, operation.id)
    wait_until(lambda: context.store.get_operation(operation.id).state in ENDS, "it is over", 300)
    return context.store.get_operation(operation.id)


def command(context, *words, fails=""):
    told = {
        "TAARAFO_STATE": str(context.settings.state),
        "TAARAFO_DOCKER_HOST": context.settings.docker_host,
        "TAARAFO_STACK": context.settings.stack,
        "TAARAFO_PORT": str(context.settings.port),
        "TAARAFO_REGISTRY_PORT": str(context.settings.registry_port),
    }
    done = subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), "community", *words, "--json"],
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        timeout=150,
    )
    if fails:
        assert done.returncode, done.stdout
        assert fails in done.stderr, done.stderr
        return None
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refuse(machine, *words, because):
    done = machine.try_command("community", *words)
    assert done.returncode, done.stdout
    assert because in done.stderr, done.stderr


def nothing_half_made(context, community, folder):
    left = context.engine.list_named(name_of(community, context.place.stack))
    words = ("phrase", "export", "pack", "room", "part", "read-only", "writable", "recount", "back")
    assert [each for each in left if any(word in each for word in words)] == []
    assert [path for path in folder.iterdir() if path.name.startswith(".")] == []
    assert not (Path(home_dir(community, context.place)) / "scratch").exists()


def test_an_export_that_fails_leaves_nothing_and_lets_everybody_write(first, family, member):
    small = Path("/run/taarafo-test-small")
    small.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", small], check=True)
    try:
        to = ("export", family.label, "--to", str(small / "family.bundle"))
        command(first, *to, fails="there is not enough room for it")
        nothing_half_made(first, family, small)
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", small], check=True)
        small.rmdir()
    assert first.store.get_community(family.id).reading_since is None
    assert post(member, "Still here") == 303


@pytest.mark.parametrize("step", ["close_to_writing", "sign_and_pack"])
def test_an_export_whose_worker_is_killed_is_finished(first, state, family, member, folder, step):
    file = folder / f"{step}.bundle"
    living = first.store.get_community(family.id)
    operation = request_export(first, living, file=file, requested_by="test")
    run_doomed(state, operation, step)
    wait_until(lambda: operation.id in first.store.list_stranded(first.clock.now()), "its turn")
    assert run_stranded(first) == 1
    assert first.store.get_operation(operation.id).state == OperationState.DONE
    assert read_bundle(file).letter.signed_by == get_fingerprint(first)
    nothing_half_made(first, family, folder)
    assert post(member, "Too late") == 503
    file.unlink()
    command(first, "stay", family.label)
    assert post(member, f"After {step}") == 303


def test_an_export_whose_job_is_killed_leaves_nothing(first, engine, family, member, folder):
    file = folder / "killed.bundle"
    service = f"{name_of(family, first.place.stack)}-export"
    with ThreadPoolExecutor(1) as hand:
        killed = hand.submit(kill, engine, service)
        words = ("export", family.label, "--to", str(file))
        command(first, *words, fails="cut off before it said what it did")
        killed.result()
    assert not file.exists()
    nothing_half_made(first, family, folder)
    assert post(member, "We are still here") == 303


@pytest.fixture(scope="module")
def exported(first, family, member, folder):
    file = folder / "family.bundle"
    began = time.monotonic()
    made = command(first, "export", family.label, "--to", str(file), "--show-phrase")
    print(f"an export took {time.monotonic() - began:.1f} s")
    assert made["signed_by"] == get_fingerprint(first)
    return made


def test_an_exported_family_can_be_read_and_not_written(
    first, family, member, exported, folder, state
):
    assert exported["files"] >= 20
    assert exported["moves"]
    nothing_half_made(first, family, folder)
    raw = Path(exported["file"]).read_bytes()
    assert len(raw) > 20 * 50_000
    assert b"SQLite format 3" not in raw
    assert exported["phrase"].encode() not in raw
    assert WORD in member.ask("GET", "/")[1]
    assert post(member, "Too late") == 503
    assert "moving house" in member.ask("POST", "/posts", {"text": "x"})[1]
    assert first.store.get_community(family.id).reading_since


def test_a_changed_bundle_is_refused_wherever_it_was_changed(second, exported, folder):
    raw = bytearray(Path(exported["file"]).read_bytes())
    bad = folder / "bad.bundle"
    for place in (700, len(raw) // 2, len(raw) - 3000):
        spoiled = bytearray(raw)
        spoiled[place] ^= 1
        bad.write_bytes(spoiled)
        words = ("import", str(bad), "--phrase", exported["phrase"])
        refuse(second, *words, because="This bundle cannot be used")
    bad.write_bytes(raw[: len(raw) // 2])
    refuse(second, *words, because="it is not whole")
    bad.unlink()
    assert second.context.store.list_communities().total == 0


def test_neither_other_words_nor_another_key_open_it(second, exported):
    other = "abandon " * 23 + "art"
    refuse(second, "import", exported["file"], "--phrase", other, because="do not open")
    words = ("--phrase", exported["phrase"], "--signed-by", "0" * 64)
    refuse(second, "import", exported["file"], *words, because="signed by another key")
    assert second.context.store.list_communities().total == 0
    assert list((second.settings.state / "imports").iterdir()) == []


def test_an_import_that_is_killed_is_finished_by_the_same_command(second, exported):
    imports, store = second.settings.state / "imports", second.context.store
    words = ("community", "import", exported["file"], "--phrase", exported["phrase"], "--as", "cut")
    with second.begin(*words) as command:
        wait_until(lambda: any(imports.iterdir()), "it is unpacked")
        command.kill()
    with second.begin(*words) as command:
        wait_until(lambda: has_begun(store, "bring_home"), "its things come")
        command.kill()
    made = second.command(*words)
    assert (made["found"], made["name"]) == (made["expected"], "The Harvest Family")
    assert store.list_communities().total == 1
    assert list(imports.iterdir()) == []
    second.command("community", "remove", "cut", "--yes", "--even-without-backup")


@pytest.fixture(scope="module")
def imported(second, exported):
    began = time.monotonic()
    words = ("--phrase", exported["phrase"], "--signed-by", exported["signed_by"][:16])
    made = second.command("community", "import", exported["file"], *words, "--as", "harvest")
    print(f"an import took {time.monotonic() - began:.1f} s")
    return made


def test_all_of_it_is_at_its_new_place(second, family, member, imported, exported):
    assert imported["found"] == imported["expected"]
    assert imported["found"]["files"] == exported["files"]
    assert sum(imported["found"]["rows"].values()) == exported["rows"]
    moved = second.context.store.get_community(imported["id"])
    assert (moved.name, moved.founder, moved.label) == (family.name, "Ann", "harvest")
    assert moved.promises == family.promises
    assert second.command("check", moved.address)["outcome"] == "GENUINE"
    there = Member(host_of(moved), second.settings.port, dict(member.cookies), member.word)
    status, page = second.inside(lambda: there.ask("GET", "/"))
    assert (status, WORD in page) == (200, True), "she is still signed in, and her words are there"
    assert second.inside(lambda: post(there, "We arrived")) == 303
    assert list((second.settings.state / "imports").iterdir()) == []


def test_the_same_import_again_is_the_same(second, imported, exported, folder):
    again = folder / "again.json"
    words = ("--phrase", exported["phrase"], "--receipt", str(again))
    made = second.command("community", "import", exported["file"], *words)
    assert made["id"] == imported["id"]
    assert json.loads(again.read_bytes()) == json.loads(Path(imported["receipt"]).read_bytes())
    assert second.context.store.list_communities().total == 1


def test_nobody_is_led_away_by_a_receipt_that_is_not_right(first, family, imported, folder):
    forged = folder / "forged.json"
    envelope = json.loads(Path(imported["receipt"]).read_bytes())
    envelope["payload"] = envelope["payload"][:-8] + "AAAAAAA="
    forged.write_text(json.dumps(envelope))
    words = ("moved", family.label, "--receipt", str(forged))
    command(first, *words, fails="This receipt proves nothing")
    assert first.store.get_community(family.id).state == CommunityState.RUNNING


def test_what_was_still_written_here_is_not_left_behind(first, family, member, imported):
    late = Path(home_dir(family, first.place)) / "data" / "media" / "late.bin"
    late.write_bytes(b"late")
    try:
        words = ("moved", family.label, "--receipt", imported["receipt"])
        command(first, *words, fails="Something was still written here")
    finally:
        late.unlink()
    assert WORD in member.ask("GET", "/")[1], "it goes on as before"


def test_the_old_address_leads_to_the_new_one(first, second, family, member, imported):
    moved = command(first, "moved", family.label, "--receipt", imported["receipt"])
    assert moved["state"] == "moved"
    assert moved["moved_to"] == f"http://harvest.localhost:{second.settings.port}"
    for method in ("GET", "POST"):
        assert redirect_of(first, family, method, "/join/a?b=c") == (
            308,
            f"{moved['moved_to']}/join/a?b=c",
        )
    assert first.engine.list_named(name_of(family, first.place.stack)) == []
    assert not (first.settings.evidence_dir / host_of(family)).exists()
    assert (Path(home_dir(family, first.place)) / "data").exists(), "it is kept for a while"
    status, page = get(first.settings, "localhost", f"/check/{family.address}")
    assert status == 200
    assert "moved" in page
    assert moved["moved_to"] in page


def redirect_of(context, community, method, path):
    connection = HTTPConnection("127.0.0.1", context.settings.port, timeout=30)
    connection.request(method, path, headers={"Host": community.address})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.getheader("Location")


def test_what_moved_can_be_removed_and_leaves_nothing(first, second, family, imported):
    assert carry(first, erase(first, family)).state == OperationState.DONE
    assert not Path(door_dir(family, first.place)).exists()
    assert not Path(home_dir(family, first.place)).exists()
    gone = second.command("community", "remove", "harvest", "--yes", "--even-without-backup")
    assert gone["state"] == "removed"
