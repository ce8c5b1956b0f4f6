"""Bring a community back from its backup, also on a machine that never knew it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provisioner.commands.speaking import Json, open_context, show
from provisioner.commands.watching import watch

restore = typer.Typer()


@restore.command("restore")
def restore_command(
    source: Annotated[
        str, typer.Option("--from", help="The folder of its backups, or s3:https://…")
    ],
    phrase: Annotated[
        str, typer.Option(help="The 24 words of its recovery kit; without it, they are asked for.")
    ] = "",
    keys: Annotated[
        Path | None, typer.Option(help="A file with the keys of the S3 store.", dir_okay=False)
    ] = None,
    label: Annotated[str, typer.Option("--as", help="Another first part of its address.")] = "",
    backup: Annotated[
        str, typer.Option(help="Beginning of a backup's id; without it, the newest.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Bring a community back from its backup, and wait until it is open."""
    from provisioner.engine.at_once import restore_now
    from provisioner.engine.backups.backup_places import read_keys
    from provisioner.engine.backups.restore import request_restore

    context = open_context()
    community, operation = request_restore(
        context,
        source=source,
        phrase=phrase or typer.prompt("The 24 words of its recovery kit", err=True),
        keys=read_keys(context, source, keys),
        label=label,
        snapshot=backup,
        requested_by="cli",
    )
    made = watch(restore_now, context, community, operation)
    text = (
        f"{made['name']} is back at {made['url']}\n"
        f"All {made['files']} files and {made['rows']} rows of the backup of {made['made_at']} "
        f"came back and were counted.\n"
        f"Its founder signs in, once: {made['signin_url']}\n"
        f"Her own page: {made['console_url']}"
    )
    show(made, text, as_json=as_json)
