"""Make a Release from a project's source: its image is built, measured and described."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from provisioner.core.provenance import digest_of
from provisioner.errors import BuildFailed
from provisioner.models.release import Image, Recipe, Release, Source
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

Say = Callable[[str], None]


@dataclass(frozen=True)
class MadeRelease:
    """A Release that is not published yet, with all that belongs to it.

    `manifest` is the text of its image's file manifest.
    """

    release: Release
    built: BuiltImage
    manifest: bytes
    papers: Papers


def make_release(
    settings: Settings,
    recipe_name: str,
    say: Say,
    *,
    project: Path = ROOT,
    commit: str | None = None,
    images: Path | None = None,
) -> MadeRelease:
    """Build the image of a recipe and describe it; nothing is pushed or signed.

    The commit is that of the checkout, if it holds all that goes in, unless it is given. `images`
    is where built images are kept, see `build_images`. Raises BuildFailed or RecipeIncomplete.
    """
    recipe, templates = read_recipe(project / "templates" / recipe_name)
    name = recipe.service.image
    built = build_images(settings, [name], say=say, project=project, images=images)[name]
    told = find_commit_of(project, recipe, say) if commit is None else commit
    source = Source(swhid=swhid_of(project / "images" / name / "app"), commit=told)
    manifest = measure_image(built)
    papers = _plan_papers(built, recipe, source)
    image = _plan_image(built, manifest, papers)
    release = plan_release(
        recipe,
        images={name: image},
        templates=templates,
        manifests={image.files_root: manifest},
        source=source,
    )
    return MadeRelease(release, built, manifest, papers)


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
    for blueprint in order_blueprints(project, [recipe.service.image]):
        own = (f"images/{blueprint.name}", blueprint.wheels, *blueprint.sources.values())
        paths += [path for path in own if path]
    return paths


def _plan_papers(built: BuiltImage, recipe: Recipe, source: Source) -> Papers:
    try:
        return plan_papers(built, repository_of(built.name), recipe, source)
    except ValueError as error:
        raise BuildFailed(str(error), image=built.name) from error


def _plan_image(built: BuiltImage, manifest: bytes, papers: Papers) -> Image:
    config = json.loads(built.blob(built.config_digest).read_bytes())["config"]
    return plan_image(
        repository=repository_of(built.name),
        digest=built.digest,
        config_digest=built.config_digest,
        layers=built.layers,
        manifest=manifest,
        entrypoint=config.get("Entrypoint", ()),
        environment=config.get("Env", ()),
        sbom=digest_of(papers.sbom),
        provenance_statement=digest_of(papers.statement),
    )
