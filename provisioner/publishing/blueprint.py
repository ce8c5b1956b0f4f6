"""A Blueprint: what goes into one image, read from `images/<name>/image.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from provisioner.models.release import NAME


class Blueprint(BaseModel):
    """Paths of `wheels` and `sources` start at the project's root."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=NAME)
    base: str = ""  # the image it stands on; empty: nothing
    wheels: str = ""  # a hash-locked requirements file
    without: tuple[str, ...] = ()  # names of that file which the image does not need
    folders: tuple[str, ...] = ()  # empty folders to mount on
    sources: dict[str, str] = Field(default_factory=dict)  # name in the build -> path


def read_blueprint(project: Path, name: str) -> Blueprint:
    """Raises FileNotFoundError for an image that does not exist, ValueError for a wrong one."""
    text = (project / "images" / name / "image.toml").read_text()
    return Blueprint.model_validate({"name": name, **tomllib.loads(text)})


def order_blueprints(project: Path, names: list[str]) -> list[Blueprint]:
    """The blueprints of these images and of all they stand on, bases first."""
    ordered: dict[str, Blueprint] = {}

    def visit(name: str) -> None:
        blueprint = read_blueprint(project, name)
        if blueprint.base and blueprint.base not in ordered:
            visit(blueprint.base)
        ordered.setdefault(name, blueprint)

    for name in names:
        visit(name)
    return list(ordered.values())
