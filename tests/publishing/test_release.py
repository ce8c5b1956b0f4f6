"""From what was built to a Release, compared by value."""

from __future__ import annotations

import hashlib
import json

import pytest

from provisioner.errors import RecipeIncomplete
from provisioner.models.manifest import FileEntry, root_of, write_manifest
from provisioner.models.release import (
    Image,
    Recipe,
    RecipeMount,
    RecipePart,
    RecipeService,
    Release,
    Source,
)
from provisioner.publishing.release import plan_assets, plan_image, plan_release

STYLE, SCRIPT = "a" * 64, "b" * 64
MANIFEST = write_manifest(
    [
        FileEntry("/app/static", "d", 0o755, 0, 0, 0, ""),
        FileEntry("/app/static/style.css", "f", 0o644, 0, 0, 5, STYLE),
        FileEntry("/app/static/js/app.js", "f", 0o644, 0, 0, 5, SCRIPT),
        FileEntry("/app/static/link", "l", 0o777, 0, 0, 0, "style.css"),
        FileEntry("/app/static-secret/x", "f", 0o644, 0, 0, 5, "c" * 64),
    ]
)
SOURCE = Source(swhid="swh:1:dir:" + "0" * 40)


def image() -> Image:
    return plan_image(
        repository="taarafo/app",
        digest=root_of(b"1"),
        config_digest=root_of(b"2"),
        layers=[root_of(b"3")],
        manifest=MANIFEST,
    )


def recipe(**changes: object) -> Recipe:
    service = RecipeService(image="app", configs={"app.toml": "/etc/app.toml"}, secrets=("key",))
    facts: dict[str, object] = {
        "name": "taarafo",
        "version": "1.0.0",
        "title": "T",
        "service": service,
        "secrets": {"key": 32},
        "assets": {"/static/": "/app/static"},
    }
    return Recipe.model_validate(facts | changes)


def plan(recipe: Recipe, **changes: object) -> Release:
    facts: dict[str, object] = {
        "images": {"app": image()},
        "templates": {"app.toml": "x = 1"},
        "manifests": {root_of(MANIFEST): MANIFEST},
        "source": SOURCE,
    }
    return plan_release(recipe, **(facts | changes))  # type: ignore[arg-type]


def test_an_image_is_named_by_the_hash_of_its_files() -> None:
    assert image().files_root == root_of(MANIFEST)
    assert image().files_count == 5
    assert image().files_target == f"files/{root_of(MANIFEST)[7:]}.jsonl"
    with pytest.raises(ValueError, match="canonical"):
        plan_image(
            repository="x",
            digest=root_of(b"1"),
            config_digest=root_of(b"2"),
            layers=[],
            manifest=MANIFEST + MANIFEST,
        )


@pytest.mark.parametrize("folders", [{"/static/": "/app/static"}, {"/static": "/app/static/"}])
def test_assets_are_the_regular_files_below_a_folder(folders: dict[str, str]) -> None:
    assert plan_assets(folders, MANIFEST) == {
        "/static/style.css": f"sha256:{STYLE}",
        "/static/js/app.js": f"sha256:{SCRIPT}",
    }


def test_a_plan_has_everything_in_it() -> None:
    release = plan(recipe())
    assert release.target == "app/taarafo/stable/1.0.0/release.json"
    assert release.templates == {"app.toml": "x = 1"}
    assert set(release.assets) == {"/static/style.css", "/static/js/app.js"}


def test_the_signed_text_is_the_same_every_time_and_reads_back() -> None:
    release = plan(recipe())
    assert release.to_bytes() == plan(recipe()).to_bytes()
    assert Release.from_bytes(release.to_bytes()) == release
    with pytest.raises(ValueError, match="schema"):
        Release.from_bytes(release.to_bytes().replace(b"release/v1", b"release/v2"))
    with pytest.raises(ValueError, match="extra"):
        Release.from_bytes(release.to_bytes().replace(b'"urgency"', b'"more":1,"urgency"'))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"images": {}}, "there is no image app"),
        ({"templates": {}}, "there is no template app.toml"),
    ],
)
def test_a_part_that_is_missing_is_named(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(RecipeIncomplete) as caught:
        plan(recipe(), **changes)
    assert caught.value.explain() == f"The recipe of taarafo is not complete: {reason}."


def test_a_secret_that_nothing_mints_is_named() -> None:
    with pytest.raises(RecipeIncomplete, match="recipe-incomplete"):
        plan(recipe(secrets={}))


def test_a_release_of_one_service_is_written_as_it_always_was() -> None:
    """Its bytes are signed: what a newer version can say besides must not change them."""
    text = plan(
        recipe(), images={"app": image().model_copy(update={"environment": ("LANG=C",)})}
    ).to_bytes()
    fields = json.loads(text)
    assert set(fields["recipe"]) == set(Recipe.model_fields) - {
        "services",
        "immutable",
        "readable_by",
        "backup",
    }
    for name in ("sbom", "provenance_statement"):  # what came since is told apart
        del fields["images"]["app"][name]
    text = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    known = "dd4e5ca5b22afe0db78b8bc6ae601ae85c34145d5e91b24dc8f336a14a892560"
    assert hashlib.sha256(text).hexdigest() == known


def test_a_release_from_before_reads_as_one_service() -> None:
    fields = json.loads(plan(recipe()).to_bytes())
    fields["images"]["app"]["environment"] = None
    release = Release.from_bytes(json.dumps(fields).encode())
    assert release.recipe.parts == {"app": release.recipe.app}
    assert release.images["app"].environment is None


PARTS = {
    "front": RecipePart(image="app", uid=10001, mounts=(RecipeMount(path="/run/door"),)),
    "back": RecipePart(image="app", uid=0, capabilities=("CAP_SYS_PTRACE",), secrets=("key",)),
}


def test_a_recipe_of_several_services() -> None:
    release = plan(recipe(service=None, services=PARTS))
    assert Release.from_bytes(release.to_bytes()) == release
    assert release.recipe.parts == PARTS
    assert set(release.assets) == {"/static/style.css", "/static/js/app.js"}
    with pytest.raises(ValueError, match="is not an app"):
        _ = release.recipe.app


@pytest.mark.parametrize(
    "changes",
    [
        {"services": PARTS},
        {"service": None},
        {"service": None, "services": {}},
        {"service": None, "services": {"Front": PARTS["front"]}},
        {"service": RecipeService(image="app").model_dump() | {"capabilities": ["CAP_CHOWN"]}},
        {"service": {"image": "app", "uid": 0}},
        {"service": None, "services": {"a": {"image": "app", "uid": 1, "mounts": []}}},
        {"service": None, "services": {"a": {"image": "app", "uid": 0, "capabilities": ["ALL"]}}},
        {"service": None, "services": {"a": {"image": "app", "uid": 0, "mounts": [{"path": "x"}]}}},
    ],
)
def test_a_recipe_that_says_too_much_or_too_little(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="Recipe"):
        recipe(**changes)


@pytest.mark.parametrize("changes", [{"image": "other"}, {"secrets": ("other",)}])
def test_every_service_is_looked_at(changes: dict[str, object]) -> None:
    services = {**PARTS, "back": PARTS["back"].model_copy(update=changes)}
    with pytest.raises(RecipeIncomplete, match="recipe-incomplete"):
        plan(recipe(service=None, services=services))
