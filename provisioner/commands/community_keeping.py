"""Back a community up, rehearse bringing it back, and say how much it may take."""

from __future__ import annotations

from typing import Annotated

import typer

from provisioner.commands.speaking import Json, open_context, show
from provisioner.commands.watching import watch

keeping = typer.Typer(help="Keep what is in communities.")


@keeping.command("back-up")
def community_back_up(address: str, as_json: Json = False) -> None:
    """Back a community up now; it counts once it was read back and its counts matched."""
    from provisioner.engine.at_once import back_up_now
    from provisioner.engine.backups.back_up import request_backup
    from provisioner.engine.describe import get_living

    context = open_context()
    living = get_living(context, address)
    operation = request_backup(context, living, requested_by="cli")
    made = watch(back_up_now, context, living, operation)
    lines = [
        f"{each['shelf']}: {each['files']} files and {each['rows']} rows were copied and counted. "
        f"Part {each['read']} of the store was read back."
        for each in made["backups"]
    ]
    show(made, "\n".join(lines), as_json=as_json)


@keeping.command("drill")
def community_drill(address: str, as_json: Json = False) -> None:
    """Restore the newest backup where nobody reaches it, count it, and take it away again."""
    from provisioner.engine.at_once import drill_now
    from provisioner.engine.backups.back_up import request_drill
    from provisioner.engine.describe import get_living

    context = open_context()
    living = get_living(context, address)
    operation = request_drill(context, living, requested_by="cli")
    found = watch(drill_now, context, living, operation)
    text = f"Restored in {found['seconds']} seconds: all {found['rows']} rows were there."
    show(found, text, as_json=as_json)


@keeping.command("kit")
def community_kit(address: str, as_json: Json = False) -> None:
    """Its recovery kit, to be handed to its founder alone: the words that open its backups."""
    from provisioner.engine.backups.kit import open_kit
    from provisioner.engine.describe import get_living

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


@keeping.command("quota")
def community_quota(
    address: str,
    mb: Annotated[
        str, typer.Argument(help="MB of data; 0 is no limit; default is what is usual here.")
    ] = "",
    as_json: Json = False,
) -> None:
    """How much of the disk a community may have, and how much it takes."""
    from provisioner.core.quotas import say_weight
    from provisioner.engine.describe import describe_community, get_living
    from provisioner.engine.quota import choose_quota, say_quota
    from provisioner.engine.weighing import weigh_now

    context = open_context()
    living = get_living(context, address)
    if mb:
        living = choose_quota(context, living, mb)
    living = weigh_now(context, living)
    described = describe_community(context, living)
    text = f"{say_quota(context, living)}\nIt has {say_weight(living, described['quota_mb'])}."
    show(described, text, as_json=as_json)
