"""Docker's folder of containers, as Docker writes it and as it never should."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.agent.containers import Containers, _read

ID = "0123456789abcdef" * 4
LABELS = {"org.taarafo.community": "c", "org.taarafo.host": "smith.localhost", "com.docker": "x"}


def config(**changes: object) -> dict[str, object]:
    value = {
        "ID": ID,
        "State": {"Running": True, "Pid": 7, "StartedAt": "then"},
        "Config": {"Image": "r@sha256:x", "Labels": dict(LABELS), "Env": ["A=b"]},
        "Image": "sha256:id",
        "Path": "/bin/sh",
        "Args": ["-c", "x"],
        "ConfigReferences": [{"File": {"Name": "/b"}}, {"File": {"Name": "/a"}}],
    }
    return value | changes


def write(folder: Path, value: object, name: str = ID) -> Path:
    path = folder / name / "config.v2.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def test_a_running_community_is_read(tmp_path: Path) -> None:
    write(tmp_path, config())
    (found,) = Containers(tmp_path).look()
    assert (found.id, found.pid, found.host) == (ID, 7, "smith.localhost")
    assert found.command == ("/bin/sh", "-c", "x")
    assert found.settings == ("/a", "/b")
    assert set(found.labels) == {"org.taarafo.community", "org.taarafo.host"}


def with_labels(**labels: str | None) -> dict[str, object]:
    changed = {f"org.taarafo.{name}": value for name, value in labels.items()}
    kept = {k: v for k, v in (LABELS | changed).items() if v is not None}
    return config(Config={"Image": "", "Labels": kept, "Env": None})


@pytest.mark.parametrize(
    "value",
    [
        config(State={"Running": False, "Pid": 0, "StartedAt": ""}),
        config(State={"Running": True, "Pid": 0, "StartedAt": ""}),
        config(Config={"Image": "", "Labels": None, "Env": None}),
        with_labels(community=None), with_labels(host=None), with_labels(job="prepare"),
        with_labels(host="../../etc"), with_labels(host="a/b"), with_labels(host="a..b"),
        with_labels(host=""), with_labels(host="A.b"), with_labels(host=".b"),
        {}, [], None, 1,
    ],
)  # fmt: skip
def test_others_are_not(tmp_path: Path, value: object) -> None:
    write(tmp_path, value)
    assert Containers(tmp_path).look() == []


def test_half_a_file_is_read_when_it_is_whole(tmp_path: Path) -> None:
    containers = Containers(tmp_path)
    path = write(tmp_path, config())
    whole = path.read_text()
    path.write_text(whole[:100])
    assert containers.look() == []
    path.write_text(whole)
    assert len(containers.look()) == 1


def test_changes_and_ends_are_noticed_and_nothing_else_is_read_again(tmp_path: Path) -> None:
    containers = Containers(tmp_path)
    assert containers.look() == []
    write(tmp_path, config())
    (first,) = containers.look()
    assert containers.look()[0] is first
    write(tmp_path, config(State={"Running": True, "Pid": 8, "StartedAt": "now"}))
    assert containers.look()[0].pid == 8
    shutil.rmtree(tmp_path / ID)
    assert containers.look() == []


def test_other_folders_are_passed_by(tmp_path: Path) -> None:
    write(tmp_path, config(), name="lost+found")
    (tmp_path / ("e" * 64)).mkdir()
    (tmp_path / ("d" * 64)).touch()
    assert Containers(tmp_path).look() == []


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(
        st.sampled_from(["State", "Config", "Labels", "Running", "Pid", "Env"]), inner, max_size=4),
    max_leaves=6,
))  # fmt: skip
def test_any_other_json_is_no_container(value: object) -> None:
    try:
        assert _read(json.dumps(value).encode()) is None
    except ValueError:
        return
