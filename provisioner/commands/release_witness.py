"""Choose who watches the public log."""

from __future__ import annotations

from typing import Annotated

import typer

from provisioner.commands.speaking import Json, open_context_aside, show, show_ceremony

release_witness = typer.Typer(no_args_is_help=True, help="Choose who watches the public log.")


@release_witness.command("list")
def log_witness_list(as_json: Json = False) -> None:
    """The key of the public log, its witnesses, and how many must have seen it lately."""
    from provisioner.engine.releases.release_witnesses import describe_policy

    described = describe_policy(open_context_aside())
    lines = [f"{w['name']}  {w['vkey']}  {w['url']}" for w in described["witnesses"]]
    text = "\n".join([f"log {described['log']}", *lines, f"needed: {described['needed']}"])
    show(described, text, as_json=as_json)


@release_witness.command("add")
def log_witness_add(
    name: str,
    vkey: str,
    url: str,
    needed: Annotated[int, typer.Option(help="How many of all must have seen the log.")] = 1,
    as_json: Json = False,
) -> None:
    """Let the witness NAME count, as it prints itself when it starts."""
    from provisioner.engine.releases.release_witnesses import add_log_witness

    show_ceremony(add_log_witness(open_context_aside(), name, vkey, url, needed), as_json)


@release_witness.command("remove")
def log_witness_remove(
    name: str,
    needed: Annotated[int, typer.Option(help="How many of the others must have seen it.")] = 1,
    as_json: Json = False,
) -> None:
    """Let the witness NAME count no more."""
    from provisioner.engine.releases.release_witnesses import remove_log_witness

    show_ceremony(remove_log_witness(open_context_aside(), name, needed), as_json)
