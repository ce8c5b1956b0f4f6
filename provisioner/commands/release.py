"""Build, publish, list, verify and rebuild releases."""

from __future__ import annotations

from typing import Annotated

import typer

from provisioner.commands.release_keys import keys
from provisioner.commands.release_witness import release_witness
from provisioner.commands.speaking import Json, open_context_aside, say, show

release = typer.Typer(no_args_is_help=True, help="Build, publish, list and verify releases.")
release.add_typer(keys, name="keys")
release.add_typer(release_witness, name="witness")


@release.command("build")
def release_build(recipe: str = "taarafo", as_json: Json = False) -> None:
    """Build the images of a recipe, reproducibly."""
    from provisioner.engine.releases.release import build_release

    built = build_release(open_context_aside(), recipe, say).model_dump(mode="json", by_alias=True)
    facts = {"recipe": recipe, "version": built["recipe"]["version"], "images": built["images"]}
    text = "\n".join(f"{name}  {image['digest']}" for name, image in built["images"].items())
    show(facts, text, as_json=as_json)


@release.command("publish")
def release_publish(
    recipe: str = "taarafo",
    security: Annotated[
        bool, typer.Option("--security", help="It mends a weak spot: nobody waits for the night.")
    ] = False,
    channel: Annotated[
        str, typer.Option(help="`early` gives it to those first who chose that.")
    ] = "stable",
    as_json: Json = False,
) -> None:
    """Build, push by digest, sign and publish the version that the recipe names."""
    from provisioner.engine.releases.make_release import ROUTINE, SECURITY
    from provisioner.engine.releases.release import publish_recipe

    urgency = SECURITY if security else ROUTINE
    listing = publish_recipe(open_context_aside(), recipe, say, urgency=urgency, channel=channel)
    show(listing.model_dump(mode="json"), f"Published {listing.target}", as_json=as_json)


@release.command("promote")
def release_promote(
    version: str,
    recipe: str = "taarafo",
    at_once: Annotated[
        bool, typer.Option("--at-once", help="Also when it has not proved itself on early.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Give a release of early to everybody: the same images, nothing is built."""
    from provisioner.engine.releases.promote import promote

    listing = promote(open_context_aside(), recipe, version, at_once=at_once)
    show(listing.model_dump(mode="json"), f"Published {listing.target}", as_json=as_json)


@release.command("list")
def release_list(as_json: Json = False) -> None:
    """Every published release."""
    from provisioner.engine.releases.release import list_published

    listings = list_published(open_context_aside())
    rows = [listing.model_dump(mode="json") for listing in listings]
    lines = [f"{row.target}{'  self-built' if row.is_self_built else ''}" for row in listings]
    show(rows, "\n".join(lines) or "Nothing is published yet.", as_json=as_json)


@release.command("verify")
def release_verify(as_json: Json = False) -> None:
    """Read everything published as a stranger would, from the root we shipped with."""
    from provisioner.engine.releases.release import verify_published

    report = verify_published(open_context_aside())
    lines = [f"{'ok  ' if row['ok'] else 'BAD '}  {row['sentence']}" for row in report]
    show(report, "\n".join(lines), as_json=as_json)
    if not all(row["ok"] for row in report):
        raise typer.Exit(20)


@release.command("floor")
def release_floor(
    recipe: str,
    version: str,
    channel: Annotated[str, typer.Option(help="Line of releases.")] = "stable",
    as_json: Json = False,
) -> None:
    """Say that versions of RECIPE before VERSION are not safe to run any more."""
    from provisioner.engine.releases.release_keys import raise_release_floor

    listing = raise_release_floor(open_context_aside(), recipe, channel, version)
    text = f"Before {listing.security_floor}, no version of {recipe} is called safe any more."
    show(listing.model_dump(mode="json"), text, as_json=as_json)


@release.command("rebuild")
def release_rebuild(
    app_name: Annotated[str, typer.Argument(metavar="APP")],
    version: str,
    channel: str = "stable",
    key: Annotated[str, typer.Option(help="File with the rebuilder's key.")] = "",
    as_json: Json = False,
) -> None:
    """Build a published release again from its source, compare, and sign if it is the same."""
    from pathlib import Path

    from provisioner.engine.releases.rebuild import rebuild_release

    file = Path(key) if key else None
    rebuilt = rebuild_release(
        open_context_aside(), app_name, version, say, channel=channel, key=file
    )
    show(rebuilt.as_json(), rebuilt.as_text(), as_json=as_json)
    rebuilt.require_same()
