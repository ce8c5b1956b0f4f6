"""Built twice from nothing, every image has one digest; and a broken cache mends itself.

The second build has nothing of the first: another cache, another checkout with other modes and
dates, another umask, clock zone and locale.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from provisioner.errors import BuildFailed
from provisioner.publishing.build import build_images
from provisioner.publishing.built_image import BuiltImage
from provisioner.settings import ROOT, Settings
from tests.conftest import Engine
from tests.live.shelf import NAMES, way_out_of

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]
Built = dict[str, BuiltImage]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This project as another person might have it. Both builds read this one copy's words."""
    project = tmp_path_factory.mktemp("checkout") / "taarafo"
    project.mkdir()
    for name in ("images", "provisioner", "web", "templates", "requirements.lock"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, project / name)
    return project


@pytest.fixture(scope="module")
def first(engine: Engine, project: Path) -> Built:
    with way_out_of(engine):
        return build_images(Settings(), NAMES, say=print, project=project)


@pytest.fixture(scope="module")
def cold(engine: Engine, project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache filled from nothing by a build in other surroundings."""
    cache = tmp_path_factory.mktemp("cold")
    other = tmp_path_factory.mktemp("elsewhere") / "x"
    shutil.copytree(project, other)
    for path in other.rglob("*"):
        path.chmod(0o700 if path.is_dir() or path.stat().st_mode & 0o100 else 0o600)
        os.utime(path, (1, 1))
    with way_out_of(engine), surroundings():
        build_images(Settings(cache=cache), NAMES, say=print, project=other)
    return cache


@contextmanager
def surroundings() -> Iterator[None]:
    """Another umask, time zone, hash seed and home for as long as the block lasts."""
    before = os.umask(0o077)
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {"TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "7", "HOME": "/"}.items():
                patch.setenv(name, value)
            yield
    finally:
        os.umask(before)


@pytest.mark.parametrize("name", NAMES)
def test_two_cold_builds_give_one_digest(
    first: Built, cold: Path, project: Path, name: str
) -> None:
    second = build_images(Settings(cache=cold), [name], say=print, project=project)[name]
    assert second.layout != first[name].layout
    assert (second.digest, second.layers) == (first[name].digest, first[name].layers)


def test_a_warm_build_needs_no_program_and_no_network(
    cold: Path, project: Path, first: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    said: list[str] = []
    again = build_images(Settings(cache=cold), NAMES, say=said.append, project=project)
    assert {name: image.digest for name, image in again.items()} == {
        name: image.digest for name, image in first.items()
    }
    assert said == []


@pytest.mark.parametrize("damage", ["flip", "cut", "index"])
def test_a_damaged_image_is_built_again(
    engine: Engine, cold: Path, project: Path, first: Built, damage: str
) -> None:
    image = build_images(Settings(cache=cold), ["queue"], say=print, project=project)["queue"]
    layer = image.blob(image.layers[0])
    if damage == "flip":
        with layer.open("r+b") as file:
            file.seek(5_000_000)
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte[0] ^ 1]))
    elif damage == "cut":
        os.truncate(layer, 1000)
    else:
        (image.layout / "index.json").unlink()
    said: list[str] = []
    again = build_images(Settings(cache=cold), ["queue"], say=said.append, project=project)["queue"]
    assert said == ["Building the image queue"]
    assert again.digest == first["queue"].digest


def test_a_damaged_package_is_fetched_again(
    engine: Engine, cold: Path, project: Path, first: Built
) -> None:
    image = build_images(Settings(cache=cold), ["registry"], say=print, project=project)["registry"]
    package = next(one for one in image.made_of.inputs if one.name == "docker-registry")
    (cold / "inputs" / package.sha256).write_bytes(b"not a package")
    shutil.rmtree(image.layout)
    with way_out_of(engine):
        again = build_images(Settings(cache=cold), ["registry"], say=print, project=project)
    assert again["registry"].digest == first["registry"].digest


def test_a_package_that_debian_replaced_is_named_or_refused(
    engine: Engine, cold: Path, project: Path, tmp_path: Path
) -> None:
    old = tmp_path / "old"
    shutil.copytree(project, old)
    lock = old / "images" / "registry" / "packages.lock"
    lines = lock.read_text().splitlines()
    lines[0] = f"{lines[0].split()[0]} 1.0 {'0' * 64}"
    lock.write_text("".join(line + "\n" for line in lines))
    said: list[str] = []
    with way_out_of(engine):
        built = build_images(Settings(cache=cold), ["registry"], say=said.append, project=old)
    assert said[0].startswith("WARNING: Debian replaced base-files 1.0 by 12")
    used = next(one for one in built["registry"].made_of.inputs if one.name == "base-files")
    assert used.version != "1.0"
    with pytest.raises(BuildFailed) as failed:
        build_images(Settings(cache=cold), ["registry"], say=print, strict=True, project=old)
    assert "base-files 1.0 is locked" in failed.value.detail


def test_a_build_that_fails_leaves_the_last_image_and_no_crumbs(
    cold: Path, project: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    shutil.copytree(project, wrong)
    with (wrong / "images" / "queue" / "Containerfile").open("a") as file:
        file.write("COPY missing /missing\n")
    with pytest.raises(BuildFailed) as failed:
        build_images(Settings(cache=cold), ["queue"], say=print, project=wrong)
    assert "missing" in failed.value.detail
    assert list((cold / "scratch").iterdir()) == []
    assert build_images(Settings(cache=cold), ["queue"], say=pytest.fail, project=project)
