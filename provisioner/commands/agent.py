"""Look after the agent that checks this machine."""

from __future__ import annotations

import typer

from provisioner.commands.speaking import Json, open_context_aside, say, show

agent = typer.Typer(no_args_is_help=True, help="Look after the agent that checks this machine.")


@agent.callback()
def _is_a_group() -> None:
    """One command alone would lose its name."""


@agent.command("rotate")
def agent_rotate(as_json: Json = False) -> None:
    """Give this machine's agent a new key, signed for by the old one, and publish it."""
    from provisioner.engine.releases.rotate_agent import rotate_agent

    done = rotate_agent(open_context_aside(), say)
    text = f"The agent of host {done['host_id']} signs with the key {done['keyid'][:12]} now."
    show(done, text, as_json=as_json)
