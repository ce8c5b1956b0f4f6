"""What runs at an address, compared with what was published."""

from __future__ import annotations

from typing import Annotated

import typer

from provisioner.commands.speaking import Json, open_context_aside, say, show
from provisioner.errors import SaidBadly

check = typer.Typer()


@check.command("check")
def check_address(
    address: Annotated[str, typer.Argument(help="Host name; not needed with --offline.")] = "",
    control: Annotated[str, typer.Option(help="Address of the control plane.")] = "",
    root: Annotated[str, typer.Option(help="File with the publisher's root keys.")] = "",
    full: Annotated[bool, typer.Option("--full", help="Have every byte read anew.")] = False,
    save: Annotated[str, typer.Option(help="Keep all it rests on in this file.")] = "",
    offline: Annotated[str, typer.Option(help="Judge a saved file, with no network.")] = "",
    vsa: Annotated[str, typer.Option(help="Write a summary of the saved check to share.")] = "",
    key: Annotated[str, typer.Option(help="File with the key that signs the summary.")] = "",
    explain: Annotated[bool, typer.Option("--explain", help="Say what each step asks.")] = False,
    as_json: Json = False,
) -> None:
    """What runs at ADDRESS, compared with what was published. Exit 0 only for GENUINE."""
    from functools import partial
    from pathlib import Path

    from provisioner.engine.checks import check_anywhere as anywhere
    from provisioner.engine.checks.saved_check import judge_saved, open_saved
    from provisioner.engine.checks.share import share_verdict

    if vsa and not (save or offline):
        raise SaidBadly("A summary is of a saved check: add --save or --offline.", "vsa")
    if key and not vsa:
        raise SaidBadly("A key signs the summary: add --vsa.", "key")
    context = open_context_aside()
    trusted = Path(root) if root else None
    share = partial(share_verdict, to=Path(vsa), key=Path(key) if key else None) if vsa else None
    if offline:
        file = open_saved(Path(offline))
        verdict = judge_saved(context, file.saved, trusted)
        if share:
            share(file, verdict)
    else:
        verdict = anywhere.check_anywhere(
            context,
            address,
            control=control,
            root=trusted,
            save=Path(save) if save else None,
            share=share,
            is_full=full,
            say=say,
        )
    write = anywhere.explain_verdict if explain else anywhere.write_verdict
    show(verdict.as_json(), write(verdict), as_json=as_json)
    raise typer.Exit(anywhere.exit_code_of(verdict.outcome))
