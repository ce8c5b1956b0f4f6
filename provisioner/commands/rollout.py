"""See and steer how releases come to the communities by themselves."""

from __future__ import annotations

from typing import Annotated

import typer

from provisioner.commands.speaking import Json, open_context, show

rollout = typer.Typer(no_args_is_help=True, help="See and steer how releases reach communities.")
Target = Annotated[str, typer.Argument(help="The release, as `rollout list` shows it.")]


@rollout.command("list")
def rollout_list(as_json: Json = False) -> None:
    """Every rollout: how far it is, who stands where, and what is waited for."""
    from provisioner.engine.describe import describe_rollout

    context = open_context()
    rows = [describe_rollout(row) for row in context.store.list_rollouts()]
    lines = [
        f"{r['release']}  {r['state']}, wave {r['wave'] + 1} of 3  {r['reason']}" for r in rows
    ]
    show(rows, "\n".join(lines) or "There was nothing to bring to anybody yet.", as_json=as_json)


@rollout.command("pause")
def rollout_pause(release: Target, as_json: Json = False) -> None:
    """Nobody is started any more; who is being upgraded comes to an end."""
    from provisioner.engine.describe import describe_rollout
    from provisioner.engine.upgrades.roll_out import pause_rollout

    context = open_context()
    row = pause_rollout(context, release)
    show(describe_rollout(row), f"{release} is paused.", as_json=as_json)


@rollout.command("resume")
def rollout_resume(release: Target, as_json: Json = False) -> None:
    """Go on after a pause or a halt; what failed so far is forgiven."""
    from provisioner.engine.describe import describe_rollout
    from provisioner.engine.upgrades.roll_out import resume_rollout

    context = open_context()
    row = resume_rollout(context, release)
    show(describe_rollout(row), f"{release} goes on.", as_json=as_json)
