"""Build, publish, list and verify releases on this control plane."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from provisioner.engine.context import Context
from provisioner.engine.make_release import make_release
from provisioner.engine.publisher import open_publisher
from provisioner.engine.rebuilt import verify_rebuilds
from provisioner.errors import SignaturesMissing
from provisioner.models.release import Listing, Release
from provisioner.publishing.create import create_publisher
from provisioner.publishing.listing import list_releases
from provisioner.publishing.publish import publish_release
from provisioner.publishing.recipe import read_recipe
from provisioner.publishing.registry import push_image
from provisioner.publishing.renew import renew_signatures
from provisioner.settings import ROOT

Say = Callable[[str], None]
OUR_APP = "taarafo"


def ensure_published(context: Context, say: Say) -> None:
    """A self-built publisher with the newest version of our app, and signatures that are fresh.

    What waits for somebody's signature is said, and stops nothing else.
    """
    publisher, now = open_publisher(context), context.clock.now()
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
    return make_release(context.settings, recipe_name, say).release


def publish_recipe(
    context: Context, recipe_name: str, say: Say, *, project: Path = ROOT
) -> Listing:
    """Build, push by digest, sign, and make visible, in this order."""
    made = make_release(context.settings, recipe_name, say, project=project)
    push_image(made.built, context.settings.registry)
    say(f"Signing {made.release.name} {made.release.version}")
    return publish_release(
        open_publisher(context),
        made.release,
        {image.files_root: made.manifest for image in made.release.images.values()},
        papers={made.built.name: made.papers},
        now=context.clock.now(),
    )


def list_published(context: Context) -> list[Listing]:
    return list_releases(open_publisher(context))


def verify_published(context: Context) -> list[dict[str, Any]]:
    """One row a release, and one a problem: `{"ok", "sentence"}`."""
    found = context.inspect_releases()
    good = [{"ok": True, "sentence": f"{target} is as it was signed."} for target in found.releases]
    bad = [{"ok": False, "sentence": problem} for problem in found.problems]
    again = verify_rebuilds(context, found.images)
    until = [{"ok": True, "sentence": f"{role} is signed until {t}."} for role, t in found.expires]
    return [*bad, *good, *again, *until] or [{"ok": False, "sentence": "Nothing is published yet."}]
