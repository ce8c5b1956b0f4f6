"""Read a recipe from its folder: `recipe.toml` and the templates beside it."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import ValidationError

from provisioner.errors import RecipeIncomplete
from provisioner.models.release import Recipe


def read_recipe(folder: Path) -> tuple[Recipe, dict[str, str]]:
    """The recipe and its templates by file name. Raises RecipeIncomplete with the fault."""
    try:
        recipe = Recipe.model_validate(tomllib.loads((folder / "recipe.toml").read_text("utf-8")))
    except FileNotFoundError as error:
        raise RecipeIncomplete(recipe=folder.name, reason="there is no recipe.toml") from error
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise RecipeIncomplete(str(error), recipe=folder.name, reason=first) from error
    templates = {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*.j2"))}
    return recipe, templates
