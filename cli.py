"""The command line: provisioner/commands holds the commands, one file a group."""

from __future__ import annotations

import sys

import typer

from provisioner.commands.agent import agent
from provisioner.commands.bench import bench
from provisioner.commands.check import check
from provisioner.commands.community import community
from provisioner.commands.machine import machine
from provisioner.commands.release import release
from provisioner.commands.restore import restore
from provisioner.commands.rollout import rollout
from provisioner.commands.speaking import say
from provisioner.commands.witness import witness
from provisioner.errors import TaarafoError

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
app.add_typer(machine)
app.add_typer(check)
app.add_typer(restore)
app.add_typer(community, name="community")
app.add_typer(agent, name="agent")
app.add_typer(release, name="release")
app.add_typer(rollout, name="rollout")
app.add_typer(witness, name="witness")
app.add_typer(bench, name="bench")


def main() -> None:
    """The outermost layer: the only one that turns errors into words and exit codes."""
    try:
        app()
    except TaarafoError as error:
        say(f"{error.explain()} {error.next_step()}")
        if error.detail:
            say(f"({error.code}: {error.detail})")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
