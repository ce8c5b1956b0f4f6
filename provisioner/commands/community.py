"""Create, list, show and remove communities; what else is done with one is in files beside this."""

from __future__ import annotations

from typing import Annotated

import typer

from provisioner.commands.community_keeping import keeping
from provisioner.commands.community_moving import moving
from provisioner.commands.community_upgrading import upgrading
from provisioner.commands.speaking import Json, open_context, show

community = typer.Typer(
    no_args_is_help=True, help="Create, keep, upgrade, move and remove communities."
)
for group in (upgrading, keeping, moving):
    community.add_typer(group)


@community.command("create")
def community_create(
    name: Annotated[str, typer.Option(help="What people call it.")],
    founder: Annotated[str, typer.Option(help="Who it belongs to.")],
    preset: Annotated[str, typer.Option(help="family, friends, club, public or solo.")] = "family",
    address: Annotated[str, typer.Option(help="First part of the address.")] = "",
    email: Annotated[str, typer.Option()] = "",
    app_name: Annotated[str, typer.Option("--app")] = "taarafo",
    as_json: Json = False,
) -> None:
    """Create a community and wait until it is open."""
    from provisioner.engine.at_once import create_now
    from provisioner.engine.progress_bar import ProgressBar

    with ProgressBar() as bar:
        made = create_now(
            open_context(),
            on_progress=bar.show,
            name=name,
            founder=founder,
            preset=preset,
            label=address,
            email=email,
            app=app_name,
        )
    text = (
        f"{made['url']}\nSign in, once: {made['signin_url']}\nInvite people: {made['invite_url']}"
    )
    show(made, text, as_json=as_json)


@community.command("list")
def community_list(search: str = "", as_json: Json = False) -> None:
    """All communities that are here."""
    from provisioner.engine.describe import describe_community

    context = open_context()
    rows = context.store.list_communities(
        search=search, limit=context.settings.max_communities
    ).rows
    described = [describe_community(context, row) for row in rows]
    lines = [f"{d['address']}  {d['state']}  {d['release']}  {d['verdict']}" for d in described]
    show(described, "\n".join(lines) or "There is no community yet.", as_json=as_json)


@community.command("show")
def community_show(address: str, as_json: Json = False) -> None:
    """One community, with its promises and its operations."""
    from provisioner.engine.describe import describe_whole, get_living

    context = open_context()
    described = describe_whole(context, get_living(context, address))
    show(described, "\n".join(f"{k}: {v}" for k, v in described.items()), as_json=as_json)


@community.command("remove")
def community_remove(
    address: str,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the address again.")] = False,
    even_without_backup: Annotated[
        bool,
        typer.Option("--even-without-backup", help="Also when no copy of the last day was proved."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Remove a community and everything in it, once a copy of the last day was proved."""
    from provisioner.engine.at_once import remove_now
    from provisioner.engine.describe import get_living
    from provisioner.engine.progress_bar import ProgressBar

    context = open_context()
    living = get_living(context, address)
    typed = (
        living.label if yes else typer.prompt(f"Type its address to remove {living.name}", err=True)
    )
    with ProgressBar() as bar:
        removed = remove_now(
            context,
            living,
            typed=typed,
            even_without_backup=even_without_backup,
            on_progress=bar.show,
        )
    show(removed, f"{living.address} is gone.", as_json=as_json)
