"""Change and use the keys that sign releases."""

from __future__ import annotations

from typing import Annotated

import typer

from provisioner.commands.speaking import Json, open_context_aside, say, show, show_ceremony

keys = typer.Typer(no_args_is_help=True, help="Change and use the keys that sign releases.")


@keys.command("list")
def keys_list(as_json: Json = False) -> None:
    """Who may sign which role, how many must, and until when it is signed."""
    from provisioner.engine.releases.release_keys import list_release_keys, list_waiting_sentences

    context = open_context_aside()
    rows = list_release_keys(context)
    lines = [
        f"{row['role']}  {row['file']}  {row['keyid'][:12]}  "
        f"{'here' if row['is_here'] else 'away'}  {row['threshold']} must sign  "
        f"signed until {row['expires'][:10]}"
        for row in rows
    ]
    show(rows, "\n".join(lines), as_json=as_json)
    for sentence in list_waiting_sentences(context):
        say(f"Waiting: {sentence}")


@keys.command("rotate")
def keys_rotate(
    role: str,
    number: Annotated[int, typer.Option(help="Which of its keys.")] = 1,
    as_json: Json = False,
) -> None:
    """Replace a key of ROLE by a new one with the same file name."""
    from provisioner.engine.releases.release_keys import rotate_release_key

    show_ceremony(rotate_release_key(open_context_aside(), role, number), as_json)


@keys.command("add")
def keys_add(role: str, file: str, as_json: Json = False) -> None:
    """Let the holder of the public key in FILE sign ROLE too."""
    from pathlib import Path

    from provisioner.engine.releases.release_keys import add_release_key

    show_ceremony(add_release_key(open_context_aside(), role, Path(file)), as_json)


@keys.command("remove")
def keys_remove(role: str, keyid: str, as_json: Json = False) -> None:
    """Take a key of ROLE out of use, for good."""
    from provisioner.engine.releases.release_keys import remove_release_key

    show_ceremony(remove_release_key(open_context_aside(), role, keyid), as_json)


@keys.command("threshold")
def keys_threshold(
    role: str,
    needed: Annotated[int, typer.Argument(metavar="N")],
    keys: Annotated[int, typer.Option(help="Make keys here until there are so many.")] = 0,
    as_json: Json = False,
) -> None:
    """Let N of the keys of ROLE have to sign."""
    from provisioner.engine.releases.release_keys import set_release_threshold

    show_ceremony(set_release_threshold(open_context_aside(), role, needed, keys), as_json)


@keys.command("sign")
def keys_sign(
    role: str,
    key: Annotated[str, typer.Option(help="Key file to sign with.")] = "",
    as_json: Json = False,
) -> None:
    """Sign the waiting change of ROLE; it is published once enough have signed."""
    from pathlib import Path

    from provisioner.engine.releases.release_keys import sign_release_change

    signed = sign_release_change(open_context_aside(), role, Path(key) if key else None)
    show_ceremony(signed, as_json)
