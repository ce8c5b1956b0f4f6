"""Move a community to another control plane."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provisioner.commands.speaking import Json, open_context, say, show
from provisioner.commands.watching import watch

moving = typer.Typer(help="Move communities.")


@moving.command("export")
def community_export(
    address: str,
    to: Annotated[Path, typer.Option(help="The file to write; it must not be there yet.")],
    keep_open: Annotated[
        bool, typer.Option("--keep-open", help="A mere copy: it can still be written.")
    ] = False,
    show_phrase: Annotated[
        bool, typer.Option("--show-phrase", help="Print the 24 words that open it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Pack everything of a community into one encrypted, signed file. It can only be read then."""
    from provisioner.engine.at_once import export_now
    from provisioner.engine.backups.phrase import get_phrase
    from provisioner.engine.describe import get_living
    from provisioner.engine.moves.export import request_export

    context = open_context()
    living = get_living(context, address)
    operation = request_export(context, living, file=to, keeps_open=keep_open, requested_by="cli")
    made = watch(export_now, context, living, operation)
    lines = [
        f"{made['file']} has all of {living.address}: {made['files']} files and {made['rows']} "
        f"rows were copied, read back and counted.",
        f"Signed by {made['signed_by']}",
    ]
    if made["moves"]:
        lines.append(
            f"It can only be read now. `./taarafo community stay {living.label}` ends that."
        )
    if show_phrase:
        made["phrase"] = get_phrase(context, context.store.get_community(living.id))
        lines += ["Whoever has the file and these words has everything in it:", made["phrase"]]
    show(made, "\n".join(lines), as_json=as_json)


@moving.command("import")
def community_import(
    file: Path,
    phrase: Annotated[
        str, typer.Option(help="The 24 words that open it; without it, they are asked for.")
    ] = "",
    signed_by: Annotated[
        str, typer.Option(help="Fingerprint that the export printed, or its beginning.")
    ] = "",
    label: Annotated[str, typer.Option("--as", help="Another first part of its address.")] = "",
    receipt: Annotated[
        Path | None, typer.Option(help="Where the receipt goes; without it, beside the bundle.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify a bundle, bring its community here, count it, and write a receipt."""
    from provisioner.engine.moves.import_now import Wish, import_now
    from provisioner.engine.progress_bar import ProgressBar

    wish = Wish(
        file=file,
        phrase=phrase or typer.prompt("The 24 words that open it", err=True),
        receipt=receipt or file.with_name(f"{file.name}.receipt.json"),
        signed_by=signed_by,
        label=label,
    )
    with ProgressBar() as bar:
        made = import_now(open_context(), wish, say=say, on_progress=bar.show)
    text = (
        f"{made['name']} is open at {made['url']}\n"
        f"All {made['files']} files and {made['rows']} rows came and were counted.\n"
        f"The bundle was signed by {made['signed_by']}\n"
        f"Now bring {made['receipt']} to the old side: `./taarafo community moved ADDRESS "
        f"--receipt FILE` there.\n"
        f"Its founder signs in, once: {made['signin_url']}\n"
        f"Her own page: {made['console_url']}"
    )
    show(made, text, as_json=as_json)


@moving.command("moved")
def community_moved(
    address: str,
    receipt: Annotated[Path, typer.Option(help="The file that the import wrote.")],
    signed_by: Annotated[
        str, typer.Option(help="Fingerprint of the new control plane, or its beginning.")
    ] = "",
    erase: Annotated[
        bool, typer.Option("--erase", help="Erase what is here at once, instead of keeping it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Lead everybody to the new address, once the receipt proves that all came there."""
    from provisioner.engine.at_once import move_now
    from provisioner.engine.describe import get_living
    from provisioner.engine.moves.move import read_receipt_file, request_move

    context = open_context()
    living = get_living(context, address)
    operation = request_move(
        context,
        living,
        receipt=read_receipt_file(receipt),
        signed_by=signed_by,
        erases=erase,
        requested_by="cli",
    )
    moved = watch(move_now, context, living, operation)
    show(moved, f"{living.address} leads to {moved['moved_to']} now.", as_json=as_json)


@moving.command("stay")
def community_stay(address: str, as_json: Json = False) -> None:
    """Let a community be written again that was exported: it does not move."""
    from provisioner.engine.at_once import move_now
    from provisioner.engine.describe import get_living
    from provisioner.engine.moves.export import request_stay

    context = open_context()
    living = get_living(context, address)
    operation = request_stay(context, living, requested_by="cli")
    stays = watch(move_now, context, living, operation)
    show(stays, f"{living.address} can be written again.", as_json=as_json)
