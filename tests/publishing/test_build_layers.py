"""The file manifest of layers: every rule by which one layer changes those below it."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from provisioner.models.manifest import FileEntry, read_manifest
from provisioner.publishing.manifest_of_image import find_assets, measure_layers

Member = tuple[str, bytes, str]  # path, tar type, content or target


class Layers:
    """Writes layer tars and measures them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._paths: list[Path] = []

    def add(self, *members: Member) -> Layers:
        path = self._folder / f"{len(self._paths)}.tar"
        with tarfile.open(path, "w") as archive:
            for name, kind, content in members:
                member = tarfile.TarInfo(name)
                member.type, member.mode, member.uid = kind, 0o4750, 7
                member.devmajor, member.devminor = 1, 3
                if kind == tarfile.REGTYPE:
                    member.size = len(content)
                else:
                    member.linkname = content
                archive.addfile(member, io.BytesIO(content.encode()))
        self._paths.append(path)
        return self

    def measure(self) -> dict[str, FileEntry]:
        return read_manifest(measure_layers(self._paths))


@pytest.fixture
def layers(tmp_path: Path) -> Layers:
    return Layers(tmp_path)


def folder(path: str) -> Member:
    return path, tarfile.DIRTYPE, ""


def file(path: str, content: str = "x") -> Member:
    return path, tarfile.REGTYPE, content


def test_an_entry_says_all_that_is_known_of_it(layers: Layers) -> None:
    tree = layers.add(folder("./"), folder("etc/"), file("etc/a", "hello")).measure()
    digest = hashlib.sha256(b"hello").hexdigest()
    assert tree["/etc/a"] == FileEntry("/etc/a", "f", 0o4750, 7, 0, 5, digest)
    assert "/" not in tree


def test_links_devices_and_pipes(layers: Layers) -> None:
    tree = layers.add(
        ("link", tarfile.SYMTYPE, "../else where"),
        ("null", tarfile.CHRTYPE, ""),
        ("disk", tarfile.BLKTYPE, ""),
        ("pipe", tarfile.FIFOTYPE, ""),
    ).measure()
    assert tree["/link"] == FileEntry("/link", "l", 0o777, 7, 0, 0, "../else where")
    assert (tree["/null"].type, tree["/null"].content) == ("c", "1,3")
    assert (tree["/disk"].type, tree["/disk"].content) == ("b", "1,3")
    assert (tree["/pipe"].type, tree["/pipe"].content) == ("p", "")


def test_a_hard_link_is_the_file_it_links_to(layers: Layers) -> None:
    tree = layers.add(file("a", "one"), ("b", tarfile.LNKTYPE, "a")).measure()
    assert tree["/b"] == tree["/a"]._replace(path="/b")


def test_a_whiteout_hides_a_file_and_a_whole_folder(layers: Layers) -> None:
    layers.add(folder("d"), file("d/a"), folder("d/e"), file("d/e/f"), file("d2"))
    tree = layers.add(file(".wh.d", "")).measure()
    assert set(tree) == {"/d2"}


def test_a_whiteout_never_hides_what_its_own_layer_brings(layers: Layers) -> None:
    layers.add(folder("d"), file("d/old"))
    tree = layers.add(
        folder("d"), file("d/new"), file("d/.wh.new", ""), file(".wh.d", "")
    ).measure()
    assert set(tree) == {"/d", "/d/new"}


def test_an_opaque_folder_hides_what_was_in_it(layers: Layers) -> None:
    layers.add(folder("d"), file("d/old"), folder("d/sub"), file("d/sub/x"), file("keep"))
    tree = layers.add(folder("d"), file("d/new"), file("d/.wh..wh..opq", "")).measure()
    assert set(tree) == {"/d", "/d/new", "/keep"}


def test_a_file_in_the_place_of_a_folder_ends_it(layers: Layers) -> None:
    layers.add(folder("d"), file("d/a"), file("d/b"))
    tree = layers.add(file("d", "now a file")).measure()
    assert set(tree) == {"/d"}
    assert tree["/d"].type == "f"


def test_a_folder_again_keeps_what_is_in_it(layers: Layers) -> None:
    layers.add(folder("d"), file("d/a"))
    assert set(layers.add(folder("d")).measure()) == {"/d", "/d/a"}


def test_a_name_that_is_not_utf8_survives(layers: Layers) -> None:
    tree = layers.add(file("caf\udce9")).measure()
    assert "/caf\udce9" in tree


@pytest.mark.parametrize(
    "members",
    [
        [file("../out")],
        [file("a/../../out")],
        [("b", tarfile.LNKTYPE, "nothing")],
        [file("nowhere/a")],
        [file("a"), file("a/b")],
        [("odd", tarfile.CONTTYPE, "")],
    ],
)
def test_a_layer_that_cannot_be_meant_is_refused(layers: Layers, members: list[Member]) -> None:
    with pytest.raises(ValueError, match=r"/|'"):
        layers.add(*members).measure()


def test_assets_are_found_below_their_folder_only(tmp_path: Path) -> None:
    Layers(tmp_path).add(
        folder("app"),
        folder("app/static"),
        file("app/static/a.css", "css"),
        folder("app/static/img"),
        file("app/static/img/b.svg", "svg"),
        file("app/static2", "no"),
    )
    manifest = measure_layers([tmp_path / "0.tar"])
    assert find_assets(manifest, {"/static/": "/app/static"}) == {
        "/static/a.css": "sha256:" + hashlib.sha256(b"css").hexdigest(),
        "/static/img/b.svg": "sha256:" + hashlib.sha256(b"svg").hexdigest(),
    }
    with pytest.raises(ValueError, match="no files in /app/none"):
        find_assets(manifest, {"/static/": "/app/none"})
