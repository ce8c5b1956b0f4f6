"""Build, publish, list and verify releases on this control plane."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioner.core.versions import plan_version
from provisioner.engine.context import Context
from provisioner.models.release import Image, Listing, Recipe, Release, Source
from provisioner.publishing.build import BuiltImage, build_images
from provisioner.publishing.create import create_publisher
from provisioner.publishing.listing import find_newest, list_releases
from provisioner.publishing.manifest_of_image import measure_image
from provisioner.publishing.publish import publish_release
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.recipe import read_recipe
from provisioner.publishing.registry import push_image, repository_of
from provisioner.publishing.release import plan_image, plan_release
from provisioner.publishing.renew import renew_signatures
from provisioner.publishing.source import swhid_of
from provisioner.settings import ROOT

Say = Callable[[str], None]
OUR_APP, OURSELVES = "taarafo", "control"


@dataclass(frozen=True)
class _Plan:
    """A release with all that it is made of."""

    release: Release
    built: dict[str, BuiltImage]  # by the name of the image
    manifests: dict[str, bytes]


def ensure_publisher(context: Context) -> None:
    """A self-built publisher, and signatures that are fresh."""
    publisher, now = Publisher.of(context.settings), context.clock.now()
    create_publisher(publisher, now=now)
    renew_signatures(publisher, now=now)


def ensure_published(context: Context, say: Say) -> None:
    """The newest version of our app."""
    recipe, _ = read_recipe(ROOT / "templates" / OUR_APP)
    wanted = f"app/{OUR_APP}/stable/{recipe.version}/release.json"
    if not any(listing.target == wanted for listing in list_published(context)):
        publish_recipe(context, OUR_APP, say)


def ensure_own_release(context: Context, images: Mapping[str, str], say: Say) -> Release:
    """The published release of the control plane that is made of `images` (references by name).

    What was built may differ under one version, e.g. when Debian has replaced a package. Then it
    is published under the next one (docs/decisions/the-control-plane-checks-itself.md).
    """
    publisher = Publisher.of(context.settings)
    published = find_newest(publisher, OURSELVES, "stable")
    recipe, _ = read_recipe(ROOT / "templates" / OURSELVES)
    if published and _is_made_of(published, recipe, images):
        return published
    version = plan_version(recipe.version, published.version) if published else recipe.version
    plan = _plan(context, OURSELVES, say, version)
    say(f"Signing {OURSELVES} {version}")
    publish_release(publisher, plan.release, plan.manifests, now=context.clock.now())
    return plan.release


def _is_made_of(release: Release, recipe: Recipe, images: Mapping[str, str]) -> bool:
    """Whether nothing but the version would differ if it were published now."""
    same = release.recipe.model_copy(update={"version": recipe.version}) == recipe
    return same and all(
        images.get(name, "").endswith(f"@{each.digest}") for name, each in release.images.items()
    )


def build_release(context: Context, recipe_name: str, say: Say) -> Release:
    """The Release that this checkout makes; nothing is pushed or signed."""
    return _plan(context, recipe_name, say).release


def publish_recipe(context: Context, recipe_name: str, say: Say) -> Listing:
    """Build, push by digest, sign, and make visible, in this order."""
    plan = _plan(context, recipe_name, say)
    for built in plan.built.values():
        push_image(built, context.settings.registry)
    say(f"Signing {plan.release.name} {plan.release.version}")
    now = context.clock.now()
    return publish_release(Publisher.of(context.settings), plan.release, plan.manifests, now=now)


def list_published(context: Context) -> list[Listing]:
    return list_releases(Publisher.of(context.settings))


def verify_published(context: Context) -> list[dict[str, Any]]:
    """One row a release, and one a problem: `{"ok", "sentence"}`."""
    found = context.inspect_releases()
    good = [{"ok": True, "sentence": f"{target} is as it was signed."} for target in found.releases]
    bad = [{"ok": False, "sentence": problem} for problem in found.problems]
    until = [{"ok": True, "sentence": f"{role} is signed until {t}."} for role, t in found.expires]
    return [*bad, *good, *until] or [{"ok": False, "sentence": "Nothing is published yet."}]


def _plan(context: Context, recipe_name: str, say: Say, version: str = "") -> _Plan:
    recipe, templates = read_recipe(ROOT / "templates" / recipe_name)
    if version:
        recipe = recipe.model_copy(update={"version": version})
    names = sorted({part.image for part in recipe.parts.values()})
    everything = build_images(context.settings, names, say=say)
    built = {name: everything[name] for name in names}
    texts = {name: measure_image(image) for name, image in built.items()}
    images = {name: _plan_image(image, texts[name]) for name, image in built.items()}
    manifests = {images[name].files_root: text for name, text in texts.items()}
    release = plan_release(
        recipe,
        images=images,
        templates=templates,
        manifests=manifests,
        source=Source(swhid=swhid_of(_find_source(recipe)), commit=_find_commit()),
    )
    return _Plan(release, built, manifests)


def _plan_image(built: BuiltImage, manifest: bytes) -> Image:
    config = json.loads(built.blob(built.config_digest).read_bytes())["config"]
    return plan_image(
        repository=repository_of(built.name),
        digest=built.digest,
        config_digest=built.config_digest,
        layers=built.layers,
        manifest=manifest,
        entrypoint=config.get("Entrypoint", ()),
        environment=config.get("Env", ()),
    )


def _find_source(recipe: Recipe) -> Path:
    """An app's own code lies beside how its image is built; ours is this project."""
    return ROOT / "images" / recipe.app.image / "app" if recipe.service else ROOT / "provisioner"


def _find_commit() -> str:
    """The commit of this checkout; empty outside of one."""
    asked = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() if asked.returncode == 0 else ""
