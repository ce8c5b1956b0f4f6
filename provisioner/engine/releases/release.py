"""Build, publish, list and verify releases on this control plane."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from provisioner.core.versions import plan_version
from provisioner.engine.context import Context
from provisioner.engine.releases.make_release import ROUTINE, MadeRelease, make_release
from provisioner.engine.releases.publisher import open_publisher
from provisioner.engine.releases.rebuilt import verify_rebuilds
from provisioner.errors import SaidBadly, SignaturesMissing, WitnessesMissing
from provisioner.models.release import CHANNELS, STABLE, Listing, Recipe, Release, release_target
from provisioner.publishing.channels import open_channel
from provisioner.publishing.create import create_publisher
from provisioner.publishing.listing import find_newest, list_releases
from provisioner.publishing.publish import publish_release
from provisioner.publishing.recipe import read_recipe
from provisioner.publishing.registry import push_image
from provisioner.publishing.renew import renew_signatures
from provisioner.publishing.witnesses import refresh_cosignatures
from provisioner.settings import ROOT

Say = Callable[[str], None]
OUR_APP, OURSELVES = "taarafo", "control"


def ensure_publisher(context: Context, say: Say) -> None:
    """A self-built publisher, and signatures that are fresh. What waits for another's is said."""
    publisher, now = open_publisher(context), context.clock.now()
    create_publisher(publisher, now=now)
    for sentence in renew_signatures(publisher, now=now).waiting:
        say(sentence)
    try:
        refresh_cosignatures(publisher, now=now)
    except WitnessesMissing as error:
        say(f"{error.explain()} {error.next_step()}")


def ensure_published(context: Context, say: Say) -> None:
    """The newest version of our app, unless it is tried on `early` for now.

    What waits for somebody's signature stops nothing else.
    """
    recipe, _ = read_recipe(ROOT / "templates" / OUR_APP)
    wanted = [release_target(OUR_APP, channel, recipe.version) for channel in CHANNELS]
    if not any(listing.target in wanted for listing in list_published(context)):
        try:
            publish_recipe(context, OUR_APP, say)
        except SignaturesMissing as error:
            say(f"{error.explain()} {error.next_step()}")


def ensure_own_release(context: Context, images: Mapping[str, str], say: Say) -> Release:
    """The published release of the control plane that is made of `images` (references by name).

    What was built may differ under one version, e.g. when Debian has replaced a package. Then it
    is published under the next one (docs/decisions/the-control-plane-checks-itself.md). While it
    waits for somebody's signature it is used all the same, and a check says that it is unknown.
    """
    publisher = open_publisher(context)
    published = find_newest(publisher, OURSELVES, "stable")
    recipe, _ = read_recipe(ROOT / "templates" / OURSELVES)
    if published and _is_made_of(published, recipe, images):
        return published
    version = plan_version(recipe.version, published.version) if published else recipe.version
    made = make_release(context.settings, OURSELVES, say, version=version)
    try:
        _publish(context, made, say)
    except SignaturesMissing as error:
        say(f"{error.explain()} {error.next_step()}")
    return made.release


def _is_made_of(release: Release, recipe: Recipe, images: Mapping[str, str]) -> bool:
    """Whether nothing but the version would differ if it were published now."""
    same = release.recipe.model_copy(update={"version": recipe.version}) == recipe
    return same and all(
        images.get(name, "").endswith(f"@{each.digest}") for name, each in release.images.items()
    )


def build_release(context: Context, recipe_name: str, say: Say) -> Release:
    """The Release that this checkout makes; nothing is pushed or signed."""
    return make_release(context.settings, recipe_name, say).release


def publish_recipe(
    context: Context,
    recipe_name: str,
    say: Say,
    *,
    project: Path = ROOT,
    urgency: str = ROUTINE,
    channel: str = STABLE,
) -> Listing:
    """Build, push by digest, sign, and make visible, in this order. Raises SaidBadly."""
    if channel not in CHANNELS:
        known = " or ".join(CHANNELS)
        raise SaidBadly(f"“{channel}” is no channel. Choose {known}.", "channel")
    made = make_release(
        context.settings, recipe_name, say, project=project, urgency=urgency, channel=channel
    )
    for image in made.images.values():
        push_image(image.built, context.settings.registry)
    return _publish(context, made, say)


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


def _publish(context: Context, made: MadeRelease, say: Say) -> Listing:
    say(f"Signing {made.release.name} {made.release.version}")
    publisher, release = open_publisher(context), made.release
    if release.channel != STABLE:
        open_channel(publisher, release.name, release.channel, now=context.clock.now())
    return publish_release(
        publisher,
        made.release,
        made.manifests,
        papers=made.papers,
        now=context.clock.now(),
    )
