"""A community comes back from its backup on a second, empty control plane."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from provisioner.core.keeping import list_shelves
from provisioner.core.place import home_dir, host_of, name_of, repository_dir
from provisioner.engine.back_up import request_backup
from provisioner.engine.backup_places import record_places
from provisioner.engine.benchmarks.members import Member, join
from provisioner.engine.context import Context
from provisioner.engine.ground import record_deployed
from provisioner.engine.keys import get_keys
from provisioner.engine.operations import run_operation
from provisioner.engine.phrase import PHRASE
from provisioner.engine.restore import request_restore
from provisioner.files import write_atomically
from provisioner.models.operation import OperationState
from provisioner.settings import ROOT
from tests.live.community import ask, erase, get, wait_until
from tests.live.second import second_control_plane
from tests.s3_store import KEYS, s3_store

pytestmark = pytest.mark.live
WORD = "The apples are ripe."
ENDS = (OperationState.DONE, OperationState.FAILED)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with s3_store(tmp_path_factory.mktemp("s3") / "log") as running:
        yield running


@pytest.fixture(scope="module")
def first(control_plane, state, store):
    """It keeps its backups in a store that outlives it."""
    write_atomically(state.keys_dir / "s3", KEYS.encode(), mode=0o600)
    context = Context(state.model_copy(update={"backup_s3": f"s3:{store.endpoint}/families/first"}))
    images = context.images
    record_deployed(context, images, record_places(context, print))
    yield context
    (state.keys_dir / "s3").unlink()
    before = Context(state)
    record_deployed(before, images, record_places(before, print))


@pytest.fixture(scope="module")
def second(first, state):
    with second_control_plane(state) as context:
        yield context


@pytest.fixture(scope="module")
def lost(first, state, tmp_path_factory):
    """A family whose host is gone: its kit, its member's browser, and a copy of its folder."""
    community, operation = ask(first, "The Orchard Family")
    carry(first, operation)
    (member,) = join(first, community, 1)
    assert member.ask("POST", "/posts", {"text": WORD, "audience": "community"})[0] == 303
    carry(first, request_backup(first, community, requested_by="test"))
    made = first.store.get_community(community.id)
    words = json.loads(first.vault.unseal(made.sealed_secrets))[PHRASE]
    (source,) = [s.repository for s in list_shelves(made, first.place) if s.name == "s3"]
    folder = tmp_path_factory.mktemp("usb") / "orchard"
    shutil.copytree(repository_dir(made, first.place), folder)
    console = get_keys(first, made).console_token
    carry(first, erase(first, made))
    return {
        "words": words,
        "source": source,
        "folder": str(folder),
        "console": console,
        "member": member,
        "made": made,
    }


def carry(context, operation):
    run_operation(context, operation.id)
    wait_until(lambda: context.store.get_operation(operation.id).state in ENDS, "it is over", 300)
    return context.store.get_operation(operation.id)


def bring_back(context, lost, **changes):
    said = {"source": lost["folder"], "phrase": lost["words"], "requested_by": "test", **changes}
    community, operation = request_restore(context, **said)
    ended = carry(context, operation)
    return context.store.get_community(community.id), ended


def assert_nothing_left(context, community):
    assert context.engine.list_named(f"second-restoring-{community.id[:8]}") == []
    assert context.engine.list_named(name_of(community, context.place.stack)) == []
    assert not Path(home_dir(community, context.place)).exists()


def test_by_one_command_it_is_back_from_the_store_where_nobody_knew_it(second, lost, tmp_path):
    """With the words as they stand on paper, in another form of letters."""
    keys = tmp_path / "keys"
    keys.write_text(KEYS)
    numbered = "  ".join(f"{n}. {w.upper()}" for n, w in enumerate(lost["words"].split(), 1))
    made = command(second, "--from", lost["source"], "--keys", str(keys), "--phrase", numbered)
    assert made["address"] == "the-orchard-family.localhost:8081"
    assert made["rows"] > 0
    back = second.store.get_community(made["id"])
    assert (back.state, back.name, back.founder) == ("running", "The Orchard Family", "Ann")
    assert back.promises == lost["made"].promises
    assert back.verdict == "GENUINE"
    old: Member = lost["member"]
    member = Member(host_of(back), second.settings.port, dict(old.cookies), old.word)
    status, page = member.ask("GET", "/")
    assert status == 200, "she is still signed in"
    assert WORD in page
    assert member.ask("POST", "/posts", {"text": "We are back", "audience": "community"})[0] == 303
    signin = made["signin_url"].partition(made["address"])[2]
    assert get(second.settings, host_of(back), signin)[0] == 200
    assert made["console_url"].endswith(f"/my/{lost['console']}"), "her own page is the same"
    left = second.engine.list_named(name_of(back, second.place.stack))
    assert not any(word in each for each in left for word in ("phrase", "source", "restor", "stag"))
    assert not (Path(home_dir(back, second.place)) / "drill").exists()
    carry(second, request_backup(second, back, requested_by="test"))
    (again,) = second.store.list_backups(back.id)
    assert again.row_count > made["rows"], "it is backed up here, with the same words"
    assert carry(second, erase(second, back)).state == OperationState.DONE


def command(context, *words):
    told = {
        "TAARAFO_STATE": str(context.settings.state),
        "TAARAFO_DOCKER_HOST": context.settings.docker_host,
        "TAARAFO_STACK": context.settings.stack,
        "TAARAFO_PORT": str(context.settings.port),
        "TAARAFO_REGISTRY_PORT": str(context.settings.registry_port),
    }
    import os

    done = subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), "restore", "--json", *words],
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
