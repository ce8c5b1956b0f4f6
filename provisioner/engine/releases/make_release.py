"""Make a Release from a project's source: its images are built, measured and described."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from provisioner.core.provenance import digest_of
from provisioner.errors import BuildFailed
from provisioner.models.release import STABLE, Image, Recipe, Release, Source
from provisioner.publishing.blueprint import order_blueprints
from provisioner.publishing.build import build_images
from provisioner.publishing.built_image import BuiltImage
from provisioner.publishing.checkout import compare_with_head
from provisioner.publishing.manifest_of_image import measure_image
from provisioner.publishing.papers import Papers, plan_papers
from provisioner.publishing.recipe import read_recipe
from provisioner.publishing.registry import repository_of
from provisioner.publishing.release import plan_image, plan_release
from provisioner.publishing.source import swhid_of
from provisioner.settings import ROOT, Settings

ROUTINE, SECURITY = "routine", "security"
Say = Callable[[str], None]


@dataclass(frozen=True)
class MadeImage:
    """An image with the text of its file manifest, and its papers."""

    built: BuiltImage
    manifest: bytes
    papers: Papers


@dataclass(frozen=True)
class MadeRelease:
    """A Release that is not published yet, with its images by name and all that belongs to them."""

    release: Release
    images: Mapping[str, MadeImage]

    @property
    def manifests(self) -> dict[str, bytes]:
        """By `sha256:…` of each."""
        named = self.release.images
        return {named[name].files_root: each.manifest for name, each in self.images.items()}

    @property
    def papers(self) -> dict[str, Papers]:
        return {name: each.papers for name, each in self.images.items()}


def make_release(
    settings: Settings,
    recipe_name: str,
    say: Say,
    *,
    project: Path = ROOT,
    commit: str | None = None,
    images: Path | None = None,
    version: str = "",
    urgency: str = ROUTINE,
    channel: str = STABLE,
) -> MadeRelease:
    """Build the images of a recipe and describe them; nothing is pushed or signed.

    The commit is that of the checkout, if it holds all that goes in, unless it is given. `images`
    is where built images are kept, see `build_images`. The version is the recipe's unless it is
    given. `urgency` is `routine`, or `security` for one that nobody should wait for. Raises
    BuildFailed or RecipeIncomplete.
    """
    recipe, templates = read_recipe(project / "templates" / recipe_name)
    if version:
        recipe = recipe.model_copy(update={"version": version})
    names = _list_images(recipe)
    built = build_images(settings, names, say=say, project=project, images=images)
    told = find_commit_of(project, recipe, say) if commit is None else commit
    source = Source(swhid=swhid_of(_find_source(project, recipe)), commit=told)
    made = {name: _make_image(built[name], recipe, source) for name in names}
    described = {name: _plan_image(each) for name, each in made.items()}
    release = plan_release(
        recipe,
        images=described,
        templates=templates,
        manifests={described[name].files_root: each.manifest for name, each in made.items()},
        source=source,
        channel=channel,
        urgency=urgency,
    )
    return MadeRelease(release, made)


def find_commit_of(project: Path, recipe: Recipe, say: Say) -> str:
    """The commit that holds all that a release is made of, or "".

    When there is a commit but the files differ from it, that is said.
    """
    standing = compare_with_head(project, list_paths(project, recipe))
    if standing.differing:
        say(standing.explain())
    return standing.commit


def list_paths(project: Path, recipe: Recipe) -> Sequence[str]:
    """Every path of the project that a release of this recipe is made of or by."""
    paths = [f"templates/{recipe.name}", "provisioner"]
    for blueprint in order_blueprints(project, _list_images(recipe)):
        own = (f"images/{blueprint.name}", blueprint.wheels, *blueprint.sources.values())
        paths += [path for path in own if path]
    return paths


def _list_images(recipe: Recipe) -> list[str]:
    return sorted({part.image for part in recipe.parts.values()})


def _find_source(project: Path, recipe: Recipe) -> Path:
    """An app's own code lies beside how its image is built; ours is this project."""
    if recipe.service:
        return project / "images" / recipe.app.image / "app"
    return project / "provisioner"


def _make_image(built: BuiltImage, recipe: Recipe, source: Source) -> MadeImage:
    try:
        papers = plan_papers(built, repository_of(built.name), recipe, source)
    except ValueError as error:
        raise BuildFailed(str(error), image=built.name) from error
    return MadeImage(built, measure_image(built), papers)


def _plan_image(made: MadeImage) -> Image:
    built = made.built
    config = json.loads(built.blob(built.config_digest).read_bytes())["config"]
    return plan_image(
        repository=repository_of(built.name),
        digest=built.digest,
        config_digest=built.config_digest,
        layers=built.layers,
        manifest=made.manifest,
        entrypoint=config.get("Entrypoint", ()),
        workdir=config.get("WorkingDir") or "/",
        environment=config.get("Env", ()),
        sbom=digest_of(made.papers.sbom),
        provenance_statement=digest_of(made.papers.statement),
    )
