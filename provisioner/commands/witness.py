"""Watch logs and communities independently."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from provisioner.commands.speaking import Json, show

witness = typer.Typer(no_args_is_help=True, help="Watch logs and communities independently.")


@witness.command("serve")
def witness_serve(
    folder: Annotated[str, typer.Option(help="Where it keeps its key and what it saw.")],
    name: Annotated[str, typer.Option(help="Its name; needed at the first start.")] = "",
    log: Annotated[list[str] | None, typer.Option(help="Verifier key of a log to watch.")] = None,
    listen: Annotated[str, typer.Option(help="HOST:PORT to answer at.")] = "127.0.0.1:8090",
    url: Annotated[str, typer.Option(help="Where others reach it, if not there.")] = "",
    probe: Annotated[list[str] | None, typer.Option(help="Address of a community.")] = None,
    control: Annotated[str, typer.Option(help="Address of its control plane.")] = "",
    root: Annotated[str, typer.Option(help="File with the publisher's root keys.")] = "",
    every: Annotated[float, typer.Option(min=1, help="Seconds between looks, on average.")] = 900,
    as_json: Json = False,
) -> None:
    """Cosign logs that only grow, and look at communities as a member would, until stopped."""
    from pathlib import Path

    from provisioner.witness.witness import WitnessOptions, open_witness

    options = WitnessOptions(
        Path(folder),
        name=name,
        logs=tuple(log or ()),
        listen=listen,
        url=url,
        probes=tuple(probe or ()),
        control=control,
        root=Path(root) if root else None,
        mean_seconds=every,
    )
    with open_witness(options) as opened:
        told = {"vkey": opened.identity.vkey, "url": opened.url, "policy": opened.policy_line}
        show(told, f"{opened.identity.vkey}\n{opened.policy_line}", as_json=as_json)
        sys.stdout.flush()
        opened.run()
