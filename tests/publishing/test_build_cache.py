"""The build's cache: damaged and half-written entries count as missing."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from provisioner.publishing.cellar import Cellar
from provisioner.publishing.layout import read_layout


@pytest.fixture
def cellar(tmp_path: Path) -> Cellar:
    return Cellar(tmp_path / "cache")


def put(cellar: Cellar, content: bytes) -> str:
    path = cellar.scratch / "new"
    path.write_bytes(content)
    return cellar.keep(path)


def test_an_input_is_found_by_its_content(cellar: Cellar) -> None:
    sha256 = put(cellar, b"wheel")
    found = cellar.find(sha256)
    assert found is not None
    assert found.read_bytes() == b"wheel"
    assert cellar.find("0" * 64) is None


def test_a_damaged_input_is_missing_and_can_be_kept_again(cellar: Cellar) -> None:
    sha256 = put(cellar, b"wheel")
    found = cellar.find(sha256)
    assert found is not None
    found.write_bytes(b"whee")
    assert cellar.find(sha256) is None
    assert put(cellar, b"wheel") == sha256
    assert cellar.find(sha256) is not None


def test_a_builder_removes_what_a_killed_one_left(cellar: Cellar) -> None:
    (cellar.scratch / "half" / "built").mkdir(parents=True)
    with cellar.locked():
        assert list(cellar.scratch.iterdir()) == []


def test_only_the_newest_images_of_a_name_are_kept(cellar: Cellar) -> None:
    for age in range(7):
        folder = cellar.images / f"edge-{age}"
        folder.mkdir()
        os.utime(folder, (1000 - age, 1000 - age))
    (cellar.images / "base-9").mkdir()
    cellar.drop_old("edge")
    assert sorted(p.name for p in cellar.images.iterdir()) == [
        *("base-9", "edge-0", "edge-1", "edge-2", "edge-3")
    ]


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """A whole image of one layer, as the OCI image layout has it."""
    blobs = tmp_path / "layout" / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(content: bytes) -> dict[str, object]:
        sha256 = hashlib.sha256(content).hexdigest()
        (blobs / sha256).write_bytes(content)
        return {"digest": f"sha256:{sha256}", "size": len(content)}

    layer = blob(b"layer" * 1000)
    config = blob(json.dumps({"rootfs": {"diff_ids": [layer["digest"]]}}).encode())
    manifest = blob(json.dumps({"config": config, "layers": [layer]}).encode())
    (tmp_path / "layout" / "index.json").write_text(json.dumps({"manifests": [manifest]}))
    return tmp_path / "layout"


def test_a_whole_layout_says_what_it_is(layout: Path) -> None:
    image = read_layout(layout)
    index = json.loads((layout / "index.json").read_text())
    assert image.digest == index["manifests"][0]["digest"]
    assert image.size == 5000
    assert len(image.layers) == 1


def test_any_flipped_byte_of_a_layout_is_seen(layout: Path) -> None:
    for blob in (layout / "blobs" / "sha256").iterdir():
        whole = blob.read_bytes()
        blob.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
        with pytest.raises(ValueError, match=r"damaged|Expecting|decode"):
            read_layout(layout)
        blob.write_bytes(whole)
    assert read_layout(layout)


@pytest.mark.parametrize("cut", ["index.json", "blob"])
def test_a_half_written_layout_is_seen(layout: Path, cut: str) -> None:
    if cut == "blob":
        max((layout / "blobs/sha256").iterdir(), key=lambda p: p.stat().st_size).unlink()
    else:
        (layout / "index.json").write_text("")
    with pytest.raises((ValueError, OSError)):
        read_layout(layout)
