"""Build, publish, list and verify releases on this control plane."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

from provisioner.engine.context import Context
from provisioner.errors import SignaturesMissing
from provisioner.models.release import Listing, Release, Source
from provisioner.publishing.build import BuiltImage, build_images
from provisioner.publishing.create import create_publisher
from provisioner.publishing.listing import list_releases
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
OUR_APP = "taarafo"


def ensure_published(context: Context, say: Say) -> None:
    """A self-built publisher with the newest version of our app, and signatures that are fresh.

    What waits for somebody's signature is said, and stops nothing else.
    """
    publisher, now = Publisher.of(context.settings), context.clock.now()
    create_publisher(publisher, now=now)
    for sentence in renew_signatures(publisher, now=now).waiting:
        say(sentence)
    recipe, _ = read_recipe(ROOT / "templates" / OUR_APP)
    wanted = f"app/{OUR_APP}/stable/{recipe.version}/release.json"
    if not any(listing.target == wanted for listing in list_published(context)):
        try:
            publish_recipe(context, OUR_APP, say)
        except SignaturesMissing as error:
            say(f"{error.explain()} {error.next_step()}")


def build_release(context: Context, recipe_name: str, say: Say) -> Release:
    """The Release that this checkout makes; nothing is pushed or signed."""
    return _plan(context, recipe_name, say)[0]


def publish_recipe(context: Context, recipe_name: str, say: Say) -> Listing:
    """Build, push by digest, sign, and make visible, in this order."""
    release, built, manifests = _plan(context, recipe_name, say)
    push_image(built, context.settings.registry)
    say(f"Signing {release.name} {release.version}")
    now = context.clock.now()
    return publish_release(Publisher.of(context.settings), release, manifests, now=now)


def list_published(context: Context) -> list[Listing]:
    return list_releases(Publisher.of(context.settings))


def verify_published(context: Context) -> list[dict[str, Any]]:
    """One row a release, and one a problem: `{"ok", "sentence"}`."""
    found = context.inspect_releases()
    good = [{"ok": True, "sentence": f"{target} is as it was signed."} for target in found.releases]
    bad = [{"ok": False, "sentence": problem} for problem in found.problems]
    until = [{"ok": True, "sentence": f"{role} is signed until {t}."} for role, t in found.expires]
    return [*bad, *good, *until] or [{"ok": False, "sentence": "Nothing is published yet."}]


def _plan(
    context: Context, recipe_name: str, say: Say
) -> tuple[Release, BuiltImage, dict[str, bytes]]:
    recipe, templates = read_recipe(ROOT / "templates" / recipe_name)
    name = recipe.service.image
    built = build_images(context.settings, [name], say=say)[name]
    manifest = measure_image(built)
    config = json.loads(built.blob(built.config_digest).read_bytes())["config"]
    image = plan_image(
        repository=repository_of(name),
        digest=built.digest,
        config_digest=built.config_digest,
        layers=built.layers,
        manifest=manifest,
        entrypoint=config.get("Entrypoint", ()),
        environment=config.get("Env", ()),
    )
    manifests = {image.files_root: manifest}
    source = Source(swhid=swhid_of(ROOT / "images" / name / "app"), commit=_find_commit())
    release = plan_release(
        recipe, images={name: image}, templates=templates, manifests=manifests, source=source
    )
    return release, built, manifests


def _find_commit() -> str:
    """The commit of this checkout; empty outside of one."""
    asked = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() if asked.returncode == 0 else ""
