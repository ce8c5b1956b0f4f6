"""What differs between a published release and one that was built again is named, all of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.comparison import (
    Difference,
    compare_inputs,
    compare_manifests,
    compare_releases,
)
from provisioner.core.provenance import Dependency
from provisioner.models.manifest import FileEntry, write_manifest
from provisioner.models.release import Image, Recipe, RecipeService, Release, Source

DIGEST = "sha256:" + "1" * 64
OTHER = "sha256:" + "2" * 64
IMAGE = Image(
    repository="taarafo/app",
    digest=DIGEST,
    config_digest=DIGEST,
    layers=(DIGEST,),
    files_root=DIGEST,
    files_count=1,
    files_target="files/x",
    environment=("A=b",),
    sbom=DIGEST,
    provenance_statement=DIGEST,
)
RELEASE = Release(
    recipe=Recipe(name="taarafo", version="1.0.0", title="T", service=RecipeService(image="app")),
    images={"app": IMAGE},
    templates={"a.j2": "a", "b.j2": "b"},
    assets={"/static/a": DIGEST},
    source=Source(swhid="swh:1:dir:" + "0" * 40, commit="c" * 40),
)
PATHS = st.dictionaries(
    st.text("ab/\n\udc80é", min_size=1, max_size=4).map(lambda p: "/" + p),
    st.tuples(st.sampled_from("fd"), st.integers(0, 3)),
    max_size=8,
)


def manifest_of(files: dict[str, tuple[str, int]]) -> bytes:
    return write_manifest(FileEntry(path, *how, 0, 0, 0, "") for path, how in files.items())


@given(PATHS, PATHS)
def test_every_path_that_differs_is_named_once(
    old: dict[str, tuple[str, int]], new: dict[str, tuple[str, int]]
) -> None:
    found = compare_manifests(manifest_of(old), manifest_of(new))
    assert len(found.added) == len(new.keys() - old.keys())
    assert len(found.missing) == len(old.keys() - new.keys())
    assert len(found.changed) == sum(old[p] != new[p] for p in old.keys() & new.keys())
    assert found.is_none == (old == new)
    assert all(line.isprintable() for line in found.as_lines())


def test_a_file_list_in_another_form_is_no_list() -> None:
    with pytest.raises(ValueError, match=r"\w"):
        compare_manifests(b"[]\n", b"")


def test_the_same_release_has_no_difference() -> None:
    assert compare_releases(RELEASE, RELEASE) == ()
    papers = IMAGE.model_copy(update={"sbom": OTHER, "provenance_statement": OTHER})
    again = RELEASE.model_copy(update={"images": {"app": papers}, "channel": "beta"})
    assert compare_releases(RELEASE, again) == ()


def test_what_an_older_release_does_not_tell_is_not_compared() -> None:
    old = IMAGE.model_copy(update={"environment": None})
    assert compare_releases(RELEASE.model_copy(update={"images": {"app": old}}), RELEASE) == ()
    assert compare_releases(RELEASE, RELEASE.model_copy(update={"images": {"app": old}})) == (
        "image app: environment",
    )


@pytest.mark.parametrize("field", ["digest", "config_digest", "layers", "files_root", "entrypoint"])
def test_every_fact_of_an_image_counts(field: str) -> None:
    value = (OTHER,) if field in ("layers", "entrypoint") else OTHER
    again = RELEASE.model_copy(update={"images": {"app": IMAGE.model_copy(update={field: value})}})
    assert compare_releases(RELEASE, again) == (f"image app: {field}",)


@pytest.mark.parametrize(
    ("changes", "facts"),
    [
        ({"recipe": RELEASE.recipe.model_copy(update={"title": "U"})}, ("recipe",)),
        ({"templates": {"a.j2": "x", "c.j2": ""}}, tuple(f"template {n}.j2" for n in "abc")),
        ({"assets": {}}, ("asset /static/a",)),
        ({"source": Source(swhid="swh:1:dir:" + "1" * 40)}, ("source",)),
        ({"images": {"other": IMAGE}}, ("image app", "image other")),
    ],
)  # fmt: skip
def test_every_part_of_a_release_counts(changes: dict[str, object], facts: tuple[str, ...]) -> None:
    assert compare_releases(RELEASE, RELEASE.model_copy(update=changes)) == facts


def test_an_input_that_is_another_one_is_named_with_both() -> None:
    old = [Dependency("dash", "pkg:deb/debian/dash@1", "1" * 64), Dependency("a", "x", "2" * 64)]
    new = [Dependency("dash", "pkg:deb/debian/dash@2", "3" * 64), Dependency("b", "y", "4" * 64)]
    assert compare_inputs(old, old[::-1]) == ()
    assert compare_inputs(old, new) == (
        f"a: x {'2' * 64} -> none",
        f"b: none -> y {'4' * 64}",
        f"dash: pkg:deb/debian/dash@1 {'1' * 64} -> pkg:deb/debian/dash@2 {'3' * 64}",
    )


@pytest.mark.parametrize("field", ["facts", "inputs", "added", "missing", "changed"])
def test_any_difference_is_one(field: str) -> None:
    assert Difference().is_none
    found = Difference(**{field: ("x",)})
    assert not found.is_none
    assert len(found.as_lines()) == 1
