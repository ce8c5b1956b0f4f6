"""Every image's folder says, as data, what goes in; and keeps the rules all images share."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.errors import BuildFailed
from provisioner.publishing.blueprint import order_blueprints, read_blueprint
from provisioner.publishing.build import build_images
from provisioner.publishing.packages import read_lock
from provisioner.settings import ROOT, Settings

NAMES = sorted(path.parent.name for path in ROOT.glob("images/*/image.toml"))
USERS = {"base": 65534, "control": 10001, "edge": 10002, "queue": 10003, "registry": 10004} | {
    "keeper": 65534  # each of its jobs says its own
}


def test_there_are_the_images_that_run() -> None:
    assert set(NAMES) >= {*USERS, "taarafo"}


@pytest.mark.parametrize("name", NAMES)
def test_an_image_is_made_of_pinned_inputs_only(name: str) -> None:
    blueprint = read_blueprint(ROOT, name)
    lock = ROOT / "images" / name / "packages.lock"
    assert blueprint.base or read_lock(lock.read_text())
    for path in (*blueprint.sources.values(), *filter(None, [blueprint.wheels])):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("name", NAMES)
def test_a_containerfile_is_non_root_and_fetches_nothing(name: str) -> None:
    lines = (ROOT / "images" / name / "Containerfile").read_text().splitlines()
    base = read_blueprint(ROOT, name).base
    assert lines[0] == f"FROM {base or 'scratch'}"
    user = [line.split()[1] for line in lines if line.startswith("USER ")][-1]
    assert user == f"{USERS.get(name, 10100)}:{USERS.get(name, 10100)}"
    assert not [line for line in lines if "://" in line or "apt-get" in line]
    assert any("org.opencontainers.image.licenses" in line for line in lines)


def test_bases_come_first_and_once() -> None:
    ordered = [blueprint.name for blueprint in order_blueprints(ROOT, ["control", "taarafo"])]
    assert ordered == ["base", "control", "taarafo"]


def test_an_image_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed) as failed:
        build_images(Settings(cache=tmp_path), ["nothing"], say=print)
    assert "nothing" in failed.value.explain()


def test_a_wrong_image_file_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "images" / "odd"
    folder.mkdir(parents=True)
    (folder / "image.toml").write_text('wheel = "typo.lock"\n')
    with pytest.raises(BuildFailed) as failed:
        build_images(Settings(cache=tmp_path / "c"), ["odd"], say=print, project=tmp_path)
    assert "wheel" in failed.value.detail
