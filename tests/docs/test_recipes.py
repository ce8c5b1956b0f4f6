"""Recipes, images, playbooks and decisions: none is there that no document tells."""

from __future__ import annotations

import re

import pytest
from pydantic_core import PydanticUndefined

from provisioner.models.release import Recipe, RecipeMount, RecipePart, RecipeService
from provisioner.publishing.blueprint import Blueprint
from tests.docs.pages import ROOT, find_prose, find_rows, find_section, find_spans, read

IMAGES = sorted(path.parent.name for path in ROOT.glob("images/*/image.toml"))
RECIPES = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("templates/*/recipe.toml"))
PLAYBOOKS = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("playbooks/*.yml"))
DECISIONS = sorted(p for p in ROOT.glob("docs/decisions/*.md") if p.name != "README.md")


@pytest.mark.parametrize(
    ("heading", "kind"), [("The recipe, field by field", Recipe), ("Images", Blueprint)]
)
def test_every_field_is_explained(heading, kind):
    rows = find_rows(find_section(read("docs/recipes.md"), heading))
    fields = set(kind.model_fields) - ({"name"} if kind is Blueprint else set())
    assert fields <= set(rows)


def test_every_field_of_a_service_is_explained_with_its_default():
    section = find_section(read("docs/recipes.md"), "The recipe, field by field")
    rows = find_rows(section.partition("`[service]`:")[2])
    assert set(rows) == set(RecipeService.model_fields)
    for name, field in RecipeService.model_fields.items():
        if field.default is PydanticUndefined:
            assert rows[name][0] in ("needed", "none")
        elif isinstance(field.default, int | float | str):
            assert rows[name][0].strip("`") == str(field.default)


def test_every_field_of_one_of_several_services_is_explained():
    rows = find_rows(find_section(read("docs/recipes.md"), "A recipe of several services"))
    more = set(RecipePart.model_fields) - set(RecipeService.model_fields)
    assert set(rows) == more | {"uid", "secrets"}
    assert set(RecipeMount.model_fields) <= set(find_spans(rows["mounts"][1]))


@pytest.mark.parametrize("image", IMAGES)
def test_every_image_is_told(image):
    assert image in find_rows(find_section(read("docs/recipes.md"), "Images"))


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_is_told(recipe):
    assert recipe in find_spans(read("docs/recipes.md"))


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_every_playbook_is_told(playbook):
    assert playbook in find_rows(find_section(read("docs/operating.md"), "Playbooks"))


def test_there_is_something_to_tell():
    assert {"base", "control", "edge", "queue", "registry", "taarafo"} <= set(IMAGES)
    assert RECIPES
    assert len(PLAYBOOKS) > 1


@pytest.mark.parametrize("page", DECISIONS, ids=lambda each: each.name)
def test_every_decision_says_what_was_decided_and_is_listed_by_its_title(page):
    text = page.read_text("utf-8")
    title = text.splitlines()[0].removeprefix("# ")
    assert f"- [{title}]({page.name})\n" in read("docs/decisions/README.md")
    assert "**Decided:**" in find_prose(text)
    assert not re.search(r"\b20\d\d\b", title)
