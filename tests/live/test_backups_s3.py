"""Backups to an S3 store: a second shelf beside the local one, and what happens when it is gone."""

from __future__ import annotations

import subprocess

import pytest

from provisioner.engine.backups.backup_places import record_places
from provisioner.engine.context import Context
from provisioner.engine.machine.ground import record_deployed
from provisioner.files import write_atomically
from provisioner.models.operation import OperationState
from tests.live.community import ask
from tests.live.test_backups import back_up, carry, drill, is_serving, leftovers
from tests.s3_store import KEYS, s3_store

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with s3_store(tmp_path_factory.mktemp("s3") / "log") as running:
        yield running


@pytest.fixture(scope="module")
def context(control_plane, state, store):
    """As `up` leaves it when the operator has named a store."""
    write_atomically(state.keys_dir / "s3", KEYS.encode(), mode=0o600)
    bucket = f"s3:{store.endpoint}/families/here"
    context = Context(state.model_copy(update={"backup_s3": bucket}))
    images = context.images
    record_deployed(context, images, record_places(context, print))
    yield context
    (state.keys_dir / "s3").unlink()
    before = Context(state)
    record_deployed(before, images, record_places(before, print))


@pytest.fixture(scope="module")
def family(context):
    community, operation = ask(context, "The Cloud Family")
    carry(context, operation)
    return context.store.get_community(community.id)


def test_both_shelves_have_a_copy_that_counts(context, family):
    ended = back_up(context, family)
    assert ended.state == OperationState.DONE, ended.message
    made = {each.shelf: each for each in context.store.list_backups(family.id)}
    assert set(made) == {"local", "s3"}
    assert made["s3"].rows == made["local"].rows
    assert leftovers(context, family) == []


def test_it_is_brought_back_from_the_store(context, family):
    ended, told = drill(context, family)
    assert ended.state == OperationState.DONE, ended.message
    assert told.flaw == ""
    newest = context.store.find_backups([family.id])[family.id]
    assert told.backup_id == newest.id
    assert newest.shelf == "s3", "the one that was made last"


def test_no_key_of_the_store_is_in_an_environment_or_an_argument(context, engine):
    docker = ["docker", "--host", engine.docker_host, "service"]
    names = subprocess.run(
        [*docker, "ls", "--format", "{{.Name}}"], capture_output=True, text=True, check=True
    ).stdout.split()
    told = subprocess.run(
        [*docker, "inspect", *names], capture_output=True, text=True, check=True
    ).stdout
    assert "keepers-secret-key" not in told


def test_a_store_that_is_gone_costs_only_its_own_copy(context, family, store):
    before = len(context.store.list_backups(family.id, "s3"))
    store.process.kill()
    store.process.wait()
    ended = back_up(context, family)
    assert ended.state == OperationState.FAILED
    assert "the S3 store does not answer" in ended.message
    assert len(context.store.list_backups(family.id, "s3")) == before
    assert len(context.store.list_backups(family.id, "local")) == 2
    assert is_serving(context, family)
    assert leftovers(context, family) == []
