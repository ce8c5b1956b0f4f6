"""The adapter: real playbooks on this machine, told in sentences, leaving no files."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest

from provisioner.adapters.ansible import AnsiblePlaybooks
from provisioner.errors import HostNotPrepared

HERE = Path(__file__).parent
LIMITS = {"log-driver": "json-file", "log-opts": {"max-size": "10m", "max-file": "3"}}


def test_failure_names_the_task_and_gives_the_first_line_as_hint(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("DATABASE_PASSWORD", "very-secret")
    said = []
    with pytest.raises(HostNotPrepared) as caught:
        AnsiblePlaybooks(HERE).run("fail", {"cake": "burnt"}, said.append)
    assert said == ["Going well", "Cutting the cake"]
    assert caught.value.explain() == "Preparing this machine stopped at: Cutting the cake."
    assert caught.value.next_step() == "The cake is burnt."
    assert "very-secret" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_playbook_that_is_not_there():
    with pytest.raises(HostNotPrepared) as caught:
        AnsiblePlaybooks(HERE).run("missing", {}, print)
    assert "doctor" in caught.value.next_step()


def configure(folder: Path, before: str | None) -> tuple[int, dict[str, object]]:
    """Run the tasks that change Docker's settings; returns the changes and the file after."""
    settings = folder / "daemon.json"
    if before is not None:
        settings.write_text(before)
    changed = AnsiblePlaybooks(HERE).run("configure", {"docker_settings": str(settings)}, print)
    return changed, json.loads(settings.read_text())


@pytest.mark.live
def test_docker_gets_its_settings_once(tmp_path):
    changed, settings = configure(tmp_path, None)
    assert changed == 1
    assert settings.items() >= LIMITS.items()
    assert configure(tmp_path, None) == (0, settings)


@pytest.mark.live
def test_what_the_operator_set_stays(tmp_path):
    own = {"log-driver": "journald", "registry-mirrors": ["https://mirror.example"]}
    _, settings = configure(tmp_path, json.dumps(own))
    assert settings.items() >= own.items()
    assert "log-opts" not in settings


@pytest.mark.live
@pytest.mark.parametrize(
    ("before", "word"),
    [('{"live-restore": true}', "live-restore"), ("{nonsense", "cannot be read")],
)
def test_settings_we_cannot_work_with_are_left_alone(tmp_path, before, word):
    with pytest.raises(HostNotPrepared) as caught:
        configure(tmp_path, before)
    assert word in caught.value.next_step()
    assert (tmp_path / "daemon.json").read_text() == before
