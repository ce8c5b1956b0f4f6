"""Upgrade a community, take that back, and say when and which way it is upgraded."""

from __future__ import annotations

from typing import Annotated

import typer

from provisioner.commands.speaking import Json, open_context, show
from provisioner.commands.watching import watch

upgrading = typer.Typer(help="Upgrade communities.")


@upgrading.command("upgrade")
def community_upgrade(
    address: str,
    to: Annotated[str, typer.Option(help="A version; without it, the newest.")] = "",
    as_json: Json = False,
) -> None:
    """Put a newer version in place; the one before stays until the new one has proved itself."""
    from provisioner.engine.at_once import swap_now
    from provisioner.engine.describe import get_living
    from provisioner.engine.upgrades.upgrade import request_upgrade

    context = open_context()
    living = get_living(context, address)
    operation = request_upgrade(context, living, to=to, requested_by="cli")
    runs = watch(swap_now, context, living, operation)
    show(runs, f"{living.address} runs version {runs['release']} now.", as_json=as_json)


@upgrading.command("rollback")
def community_rollback(
    address: str,
    as_it_was: Annotated[
        bool,
        typer.Option("--as-it-was", help="With the data of then; what came since is put aside."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Go back to the version that ran before the last upgrade."""
    from provisioner.engine.at_once import swap_now
    from provisioner.engine.describe import get_living
    from provisioner.engine.upgrades.upgrade import request_rollback

    context = open_context()
    living = get_living(context, address)
    operation = request_rollback(context, living, as_it_was=as_it_was, requested_by="cli")
    runs = watch(swap_now, context, living, operation)
    show(runs, f"{living.address} runs version {runs['release']} again.", as_json=as_json)


@upgrading.command("pin")
def community_pin(
    address: str,
    version: Annotated[str, typer.Argument(help="The version to stay at; none ends it.")] = "",
    as_json: Json = False,
) -> None:
    """Keep a community at a version, as long as that is safe to run."""
    from provisioner.engine.describe import describe_community, get_living
    from provisioner.engine.upgrades.wishes import pin

    context = open_context()
    living = pin(context, get_living(context, address), version)
    text = f"{living.address} stays at {version}." if version else f"{living.address} is free."
    show(describe_community(context, living), text, as_json=as_json)


@upgrading.command("postpone")
def community_postpone(
    address: str,
    days: Annotated[int, typer.Option(help="How long; 0 ends a delay.")] = 7,
    why: Annotated[str, typer.Option(help="A few words for whoever wonders later.")] = "",
    as_json: Json = False,
) -> None:
    """Put upgrades of a community off. What makes it safe again cannot be put off for long."""
    from provisioner.engine.describe import describe_community, get_living
    from provisioner.engine.upgrades.wishes import postpone

    context = open_context()
    living = postpone(context, get_living(context, address), days=days, why=why)
    until = living.postponed_until
    text = f"No upgrade before {until:%Y-%m-%d %H:%M} UTC." if until else "Nothing is put off."
    show(describe_community(context, living), text, as_json=as_json)


@upgrading.command("channel")
def community_channel(
    address: str,
    channel: Annotated[str, typer.Argument(help="`early` or `stable`.")],
    as_json: Json = False,
) -> None:
    """Which line of releases a community follows."""
    from provisioner.engine.describe import describe_community, get_living
    from provisioner.engine.upgrades.wishes import choose_channel, explain_channel

    context = open_context()
    living = choose_channel(context, get_living(context, address), channel)
    text = f"{living.address} follows {living.channel}. {explain_channel(context, living)}"
    show(describe_community(context, living), text, as_json=as_json)


@upgrading.command("zone")
def community_zone(
    address: str,
    zone: Annotated[str, typer.Argument(help="As America/Chicago; none is UTC.")] = "",
    as_json: Json = False,
) -> None:
    """By whose clock a community has its quiet hours."""
    from provisioner.engine.describe import describe_community, get_living
    from provisioner.engine.upgrades.wishes import choose_zone

    context = open_context()
    living = choose_zone(context, get_living(context, address), zone)
    show(describe_community(context, living), f"{living.zone or 'UTC'} it is.", as_json=as_json)
