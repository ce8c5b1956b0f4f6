"""What every command shares: how it speaks, and the context that it opens."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from provisioner.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value and nothing else.")]


def say(sentence: str) -> None:
    """Progress, for people: to standard error."""
    typer.echo(sentence, err=True)


def show(value: Any, text: str, *, as_json: bool) -> None:  # noqa: ANN401 - any JSON value
    """The result, for people or for programs: to standard output."""
    import json

    typer.echo(json.dumps(value, ensure_ascii=False, default=str) if as_json else text)


def open_context() -> Any:  # noqa: ANN401 - imported late
    """Refused while the control plane is upgraded, which waits until this command has ended.

    Raises BeingUpgraded.
    """
    from provisioner.engine.machine.standby import take_turn

    context = open_context_aside()
    context.turn = take_turn(context.settings)
    return context


def open_context_aside() -> Any:  # noqa: ANN401 - imported late
    """For a command that never writes to the database: it and an upgrade need not wait."""
    from provisioner.engine.context import Context

    return Context(Settings())


def show_ceremony(described: dict[str, Any], as_json: bool) -> None:
    from provisioner.engine.releases.release_keys import write_ceremony

    show(described, write_ceremony(described), as_json=as_json)


def show_numbers(numbers: dict[str, object], as_json: bool) -> None:
    show(numbers, "\n".join(f"{k}: {v}" for k, v in numbers.items()), as_json=as_json)
