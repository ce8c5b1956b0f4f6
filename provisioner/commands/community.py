"""Create, list, show, upgrade and remove communities."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provisioner.commands.speaking import Json, open_context, say, show

if TYPE_CHECKING:  # what carries loads the database's tools; a command that asks for help does not
    from provisioner.engine.context import Context
    from provisioner.engine.create_now import OnProgress
    from provisioner.models.community import Community
    from provisioner.models.operation import Operation

community = typer.Typer(
    no_args_is_help=True, help="Create, list, show, upgrade and remove communities."
)


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
    from provisioner.engine.create_now import create_now
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
    from provisioner.engine.create_now import remove_now
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


@community.command("upgrade")
def community_upgrade(
    address: str,
    to: Annotated[str, typer.Option(help="A version; without it, the newest.")] = "",
    as_json: Json = False,
) -> None:
    """Put a newer version in place; the one before stays until the new one has proved itself."""
    from provisioner.engine.create_now import swap_now
    from provisioner.engine.describe import get_living
    from provisioner.engine.upgrade import request_upgrade

    context = open_context()
    living = get_living(context, address)
    operation = request_upgrade(context, living, to=to, requested_by="cli")
    runs = _watch(swap_now, context, living, operation)
    show(runs, f"{living.address} runs version {runs['release']} now.", as_json=as_json)


@community.command("rollback")
def community_rollback(
    address: str,
    as_it_was: Annotated[
        bool,
        typer.Option("--as-it-was", help="With the data of then; what came since is put aside."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Go back to the version that ran before the last upgrade."""
    from provisioner.engine.create_now import swap_now
    from provisioner.engine.describe import get_living
    from provisioner.engine.upgrade import request_rollback

    context = open_context()
    living = get_living(context, address)
    operation = request_rollback(context, living, as_it_was=as_it_was, requested_by="cli")
    runs = _watch(swap_now, context, living, operation)
    show(runs, f"{living.address} runs version {runs['release']} again.", as_json=as_json)


@community.command("back-up")
def community_back_up(address: str, as_json: Json = False) -> None:
    """Back a community up now; it counts once it was read back and its counts matched."""
    from provisioner.engine.back_up import request_backup
    from provisioner.engine.create_now import back_up_now
    from provisioner.engine.describe import get_living

    context = open_context()
    living = get_living(context, address)
    operation = request_backup(context, living, requested_by="cli")
    made = _watch(back_up_now, context, living, operation)
    lines = [
        f"{each['shelf']}: {each['files']} files and {each['rows']} rows were copied and counted. "
        f"Part {each['read']} of the store was read back."
        for each in made["backups"]
    ]
    show(made, "\n".join(lines), as_json=as_json)


@community.command("kit")
def community_kit(address: str, as_json: Json = False) -> None:
    """Its recovery kit, to be handed to its founder alone: the words that open its backups."""
    from provisioner.engine.describe import get_living
    from provisioner.engine.kit import open_kit

    context = open_context()
    living = get_living(context, address)
    kit = open_kit(context, living)
    words = [f"{number:2}. {word}" for number, word in enumerate(kit.words, 1)]
    lines = [*words, *(f"Copies: {each.place}" for each in kit.copies), kit.command]
    told = {
        "address": living.address,
        "words": kit.words,
        "copies": [each.place for each in kit.copies],
        "command": kit.command,
    }
    show(told, "\n".join(lines), as_json=as_json)


@community.command("drill")
def community_drill(address: str, as_json: Json = False) -> None:
    """Restore the newest backup where nobody reaches it, count it, and take it away again."""
    from provisioner.engine.back_up import request_drill
    from provisioner.engine.create_now import drill_now
    from provisioner.engine.describe import get_living

    context = open_context()
    living = get_living(context, address)
    operation = request_drill(context, living, requested_by="cli")
    found = _watch(drill_now, context, living, operation)
    text = f"Restored in {found['seconds']} seconds: all {found['rows']} rows were there."
    show(found, text, as_json=as_json)


@community.command("export")
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
    from provisioner.engine.create_now import export_now
    from provisioner.engine.describe import get_living
    from provisioner.engine.export import request_export
    from provisioner.engine.phrase import get_phrase

    context = open_context()
    living = get_living(context, address)
    operation = request_export(context, living, file=to, keeps_open=keep_open, requested_by="cli")
    made = _watch(export_now, context, living, operation)
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


@community.command("import")
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
    from provisioner.engine.import_now import Wish, import_now
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


@community.command("moved")
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
    from provisioner.engine.create_now import move_now
    from provisioner.engine.describe import get_living
    from provisioner.engine.move import read_receipt_file, request_move

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
    moved = _watch(move_now, context, living, operation)
    show(moved, f"{living.address} leads to {moved['moved_to']} now.", as_json=as_json)


@community.command("stay")
def community_stay(address: str, as_json: Json = False) -> None:
    """Let a community be written again that was exported: it does not move."""
    from provisioner.engine.create_now import move_now
    from provisioner.engine.describe import get_living
    from provisioner.engine.export import request_stay

    context = open_context()
    living = get_living(context, address)
    operation = request_stay(context, living, requested_by="cli")
    stays = _watch(move_now, context, living, operation)
    show(stays, f"{living.address} can be written again.", as_json=as_json)


@community.command("pin")
def community_pin(
    address: str,
    version: Annotated[str, typer.Argument(help="The version to stay at; none ends it.")] = "",
    as_json: Json = False,
) -> None:
    """Keep a community at a version, as long as that is safe to run."""
    from provisioner.engine.describe import describe_community, get_living
    from provisioner.engine.wishes import pin

    context = open_context()
    living = pin(context, get_living(context, address), version)
    text = f"{living.address} stays at {version}." if version else f"{living.address} is free."
    show(describe_community(context, living), text, as_json=as_json)


@community.command("postpone")
def community_postpone(
    address: str,
    days: Annotated[int, typer.Option(help="How long; 0 ends a delay.")] = 7,
    why: Annotated[str, typer.Option(help="A few words for whoever wonders later.")] = "",
    as_json: Json = False,
) -> None:
    """Put upgrades of a community off. What makes it safe again cannot be put off for long."""
    from provisioner.engine.describe import describe_community, get_living
    from provisioner.engine.wishes import postpone

    context = open_context()
    living = postpone(context, get_living(context, address), days=days, why=why)
    until = living.postponed_until
    text = f"No upgrade before {until:%Y-%m-%d %H:%M} UTC." if until else "Nothing is put off."
    show(describe_community(context, living), text, as_json=as_json)


@community.command("zone")
def community_zone(
    address: str,
    zone: Annotated[str, typer.Argument(help="As America/Chicago; none is UTC.")] = "",
    as_json: Json = False,
) -> None:
    """By whose clock a community has its quiet hours."""
    from provisioner.engine.describe import describe_community, get_living
    from provisioner.engine.wishes import choose_zone

    context = open_context()
    living = choose_zone(context, get_living(context, address), zone)
    show(describe_community(context, living), f"{living.zone or 'UTC'} it is.", as_json=as_json)


def _watch(
    carry: Callable[[Context, Community, Operation, OnProgress], dict[str, Any]],
    context: Context,
    living: Community,
    operation: Operation,
) -> dict[str, Any]:
    """Carry it here, with a bar that says how far it is."""
    from provisioner.engine.progress_bar import ProgressBar

    with ProgressBar() as bar:
        return carry(context, living, operation, bar.show)
