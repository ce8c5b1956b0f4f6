"""Bills of materials and provenance: complete, in the standards' forms, the same every time."""

from __future__ import annotations

import copy
import json
from itertools import islice, permutations
from pathlib import Path
from typing import Any

import pytest

from provisioner.core.provenance import Dependency, read_provenance
from provisioner.models.manifest import root_of
from provisioner.models.release import Recipe, RecipeService, Source
from provisioner.publishing.bom import plan_bom
from provisioner.publishing.built_image import BuiltImage, Ingredients
from provisioner.publishing.inputs import NOTHING, Chosen
from provisioner.publishing.materials import Material, list_materials
from provisioner.publishing.packages import Input
from provisioner.publishing.papers import Papers, plan_papers
from provisioner.publishing.source import OwnSource, describe_source
from tests.publishing.cyclonedx import find_faults
from tests.publishing.tiny import write_deb

RECIPE = Recipe(
    name="garden", version="1.2.0", title="Garden", service=RecipeService(image="garden")
)
SOURCE = Source(swhid="swh:1:dir:" + "a" * 40, commit="c" * 40)


def image_of(name: str, made_of: Ingredients) -> BuiltImage:
    digest = root_of(name.encode())
    return BuiltImage(name, Path(name), digest, root_of(b"config"), (root_of(b"1"),), 1, made_of)


@pytest.fixture
def built(tmp_path: Path) -> BuiltImage:
    """An image on a base; two Containerfiles are the same, byte for byte."""
    packages = []
    for name, version, kind in (("libx++1", "2:1.0+b1~x", "amd64"), ("words", "7-1", "all")):
        write_deb(tmp_path / name, name, version, kind, {"./x": b"x"})
        packages.append(Input(name, version, root_of((tmp_path / name).read_bytes())[7:]))
    files = tuple(tmp_path / package.name for package in packages)
    same = {"sha256": "5" * 64, "swhid": "swh:1:cnt:" + "5" * 40}
    own = [OwnSource(f"images/{n}/Containerfile", "100644", **same) for n in ("base", "garden")]
    base = image_of("base", Ingredients(None, Chosen(tuple(packages), files), NOTHING, (own[0],)))
    wheels = Chosen((Input("flask", "3.1.3", "6" * 64),), (tmp_path / "flask.whl",))
    app = OwnSource("images/garden/app", "040000", "7" * 64, SOURCE.swhid)
    return image_of("garden", Ingredients(base, NOTHING, wheels, (own[1], app)))


@pytest.fixture
def papers(built: BuiltImage) -> Papers:
    return plan_papers(built, "taarafo/garden", RECIPE, SOURCE)


@pytest.fixture
def bom(papers: Papers) -> dict[str, Any]:
    return json.loads(papers.sbom)


def test_a_bill_of_materials_is_cyclonedx(bom: dict[str, Any]) -> None:
    assert find_faults(bom) == []


def test_it_is_about_the_image_and_lists_everything_in_it(
    bom: dict[str, Any], built: BuiltImage
) -> None:
    main = bom["metadata"]["component"]
    assert main["hashes"][0]["content"] == built.digest[7:]
    assert (main["type"], main["name"], main["version"]) == ("container", "garden", "1.2.0")
    assert [(each["name"], each.get("purl")) for each in bom["components"]] == [
        ("libx++1", "pkg:deb/debian/libx%2B%2B1@2:1.0%2Bb1~x?arch=amd64"),
        ("words", "pkg:deb/debian/words@7-1?arch=all"),
        ("base", f"pkg:oci/base@{root_of(b'base')}?arch=amd64"),
        ("flask", "pkg:pypi/flask@3.1.3"),
        ("images/base/Containerfile", None),
        ("images/garden/Containerfile", None),
        ("images/garden/app", None),
    ]
    assert bom["components"][-1]["swhid"] == [SOURCE.swhid]


def test_the_dependencies_say_what_went_into_which_image(bom: dict[str, Any]) -> None:
    graph = {each["ref"]: set(each["dependsOn"]) for each in bom["dependencies"]}
    base = f"pkg:oci/base@{root_of(b'base')}?arch=amd64"
    assert graph[base] == {
        "pkg:deb/debian/libx%2B%2B1@2:1.0%2Bb1~x?arch=amd64",
        "pkg:deb/debian/words@7-1?arch=all",
        "source:images/base/Containerfile",
    }
    assert graph[bom["metadata"]["component"]["bom-ref"]] == {
        *(base, "pkg:pypi/flask@3.1.3"),
        *("source:images/garden/Containerfile", "source:images/garden/app"),
    }


def test_the_provenance_is_in_toto_and_slsa(papers: Papers, built: BuiltImage) -> None:
    statement = json.loads(papers.statement)
    definition = statement["predicate"]["buildDefinition"]
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    assert statement["subject"] == [
        {"name": "taarafo/garden", "digest": {"sha256": built.digest[7:]}}
    ]
    assert definition["buildType"] == "https://taarafo.example/build/v1"
    assert definition["externalParameters"] == {
        "recipe": "garden",
        "version": "1.2.0",
        "image": "garden",
        "source": {"swhid": SOURCE.swhid, "commit": SOURCE.commit},
    }
    assert statement["predicate"]["runDetails"]["builder"]["id"].startswith("https://")
    by_name = {each["name"]: each for each in definition["resolvedDependencies"]}
    assert len(by_name) == 7
    assert by_name["images/garden/app"] == {
        "name": "images/garden/app",
        "uri": SOURCE.swhid,
        "digest": {"sha256": "7" * 64, "gitTree": "a" * 40},
    }
    assert by_name["images/base/Containerfile"]["digest"] == {
        "sha256": "5" * 64,
        "gitBlob": "5" * 40,
    }


def test_what_is_written_is_read(papers: Papers, built: BuiltImage) -> None:
    read = read_provenance(papers.statement)
    assert (read.name, read.digest, read.image) == ("taarafo/garden", built.digest, "garden")
    assert (read.recipe, read.version) == ("garden", "1.2.0")
    assert (read.swhid, read.commit) == (SOURCE.swhid, SOURCE.commit)
    assert read.dependencies == {
        Dependency(each.name, each.uri, each.sha256) for each in list_materials(built)
    }


def test_no_commit_is_told_where_none_is_known(built: BuiltImage) -> None:
    papers = plan_papers(built, "x", RECIPE, Source(swhid=SOURCE.swhid))
    assert b"commit" not in papers.statement
    assert read_provenance(papers.statement).commit == ""


def test_both_are_the_same_bytes_in_any_order(built: BuiltImage, papers: Papers) -> None:
    assert plan_papers(built, "taarafo/garden", RECIPE, SOURCE) == papers
    materials = list_materials(built)
    for order in islice(permutations(materials), 0, 5000, 997):
        assert plan_bom("garden", "1.2.0", built.digest, order) == papers.sbom


def test_the_serial_number_is_made_of_the_content(built: BuiltImage, bom: dict[str, Any]) -> None:
    materials = list_materials(built)
    others = [
        plan_bom("garden", "1.2.1", built.digest, materials),
        plan_bom("garden", "1.2.0", root_of(b"other"), materials),
        plan_bom("garden", "1.2.0", built.digest, materials[1:]),
    ]
    assert len({json.loads(each)["serialNumber"] for each in others} | {bom["serialNumber"]}) == 4


def test_a_package_that_two_images_hold_is_one_component() -> None:
    both = [
        Material(*("debian", "words", "7", "1" * 64, "pkg:deb/debian/words@7?arch=all", of))
        for of in ("base", "garden")
    ]
    base = Material("image", "base", "", "2" * 64, "pkg:oci/base@sha256:" + "2" * 64, "garden")
    bom = json.loads(plan_bom("garden", "1.0.0", root_of(b"x"), [*both, base]))
    assert find_faults(bom) == []
    assert len(bom["components"]) == 2


def test_there_is_no_date_in_them(papers: Papers) -> None:
    for text in (papers.sbom, papers.statement):
        assert not any(word in text.lower() for word in (b"timestamp", b"startedon", b"finishedon"))


def break_(bom: dict[str, Any], path: tuple[Any, ...], value: object) -> dict[str, Any]:
    broken = copy.deepcopy(bom)
    place = broken
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return broken


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("specVersion",), "1.5"), (("extra",), 1), (("serialNumber",), "urn:uuid:1"),
        (("metadata", "timestamp"), "now"), (("components", 0, "type"), "package"),
        (("components", 0, "hashes"), []), (("components", 0, "purl"), "pkg:deb/a b"),
        (("components", 0, "bom-ref"), "pkg:pypi/flask@3.1.3"),
        (("components", 0, "license"), "MIT"), (("dependencies", 0, "ref"), "nothing"),
        (("dependencies", 0, "dependsOn"), []), (("dependencies",), []),
        (("metadata", "lifecycles"), [{"phase": "later"}]),
    ],
)  # fmt: skip
def test_a_document_in_another_form_is_found_out(
    bom: dict[str, Any], path: tuple[Any, ...], value: object
) -> None:
    assert find_faults(break_(bom, path, value))


def test_a_source_of_ours_has_the_hash_of_its_content(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/run").write_text("x")
    file = describe_source(tmp_path, "app/run")
    assert file.sha256 == root_of(b"x")[7:]
    folder = describe_source(tmp_path, "app")
    (tmp_path / "app/run").chmod(0o755)
    assert describe_source(tmp_path, "app/run").sha256 == file.sha256
    assert describe_source(tmp_path, "app/run") != file
    assert describe_source(tmp_path, "app").sha256 != folder.sha256
