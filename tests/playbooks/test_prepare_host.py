"""The playbook makes a machine ready, changes nothing the second time and mends what is off."""

from __future__ import annotations

import pytest

from provisioner.engine.machine.prepare import plan_folders, prepare_host
from provisioner.errors import HostNotPrepared
from provisioner.settings import Settings

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def settings(engine, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    return Settings(state=folder / "state", cache=folder / "cache", docker_host=engine.docker_host)


@pytest.fixture(scope="module")
def said(settings):
    """What the first run told."""
    sentences: list[str] = []
    assert prepare_host(settings, sentences.append) > 0
    return sentences


def test_operator_reads_sentences(said):
    assert said[0] == "Looking at this machine"
    assert said[-1] == "Checking the folders"


def test_every_folder_belongs_to_its_user(settings, said):
    for folder in plan_folders(settings):
        found = settings.state.joinpath(folder["path"]).stat()
        assert (found.st_uid, found.st_gid) == (folder["owner"], folder["owner"])
        assert f"{found.st_mode & 0o7777:04o}" == folder["mode"]


def test_second_run_changes_nothing(settings, said):
    assert prepare_host(settings, print) == 0


def test_wrong_mode_and_missing_folder_are_mended(settings, said):
    settings.keys_dir.chmod(0o755)
    settings.evidence_dir.rmdir()
    assert prepare_host(settings, print) == 1
    assert settings.keys_dir.stat().st_mode & 0o777 == 0o700
    assert settings.evidence_dir.is_dir()


def test_docker_that_is_not_ours_and_does_not_answer_is_named(settings, said, tmp_path):
    elsewhere = settings.model_copy(update={"docker_host": f"unix://{tmp_path}/none.sock"})
    with pytest.raises(HostNotPrepared) as caught:
        prepare_host(elsewhere, print)
    assert f"{tmp_path}/none.sock" in caught.value.next_step()
