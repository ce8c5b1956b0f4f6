"""Set this machine up, stop it, say how it is."""

from __future__ import annotations

from typing import Annotated

import typer

from provisioner.commands.speaking import Json, open_context_aside, say, show
from provisioner.settings import Settings

machine = typer.Typer()


@machine.command()
def up(
    back: Annotated[
        bool, typer.Option("--back", help="Go back to the control plane that ran before.")
    ] = False,
    without_new: Annotated[
        bool, typer.Option("--without-new", help="Also without what that one cannot keep.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Set this machine up and run everything on it, or upgrade what runs. Again changes nothing."""
    from dataclasses import asdict

    from provisioner.engine.machine.up import bring_back, bring_up

    settings = Settings()
    report = bring_back(settings, say, may_lose=without_new) if back else bring_up(settings, say)
    lines = [f"The wizard is open at {report.url}"]
    if report.operator_link:
        lines.append(f"Your own dashboard, once, to set a password: {report.operator_link}")
    lines.append(f"Ready in {report.seconds} seconds.")
    show(asdict(report), "\n".join(lines), as_json=as_json)


@machine.command()
def down(
    purge: Annotated[bool, typer.Option(help="Also erase all data and keys.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Stop what `up` started. Data stays, unless you ask for it to be erased."""
    from provisioner.engine.machine.down import bring_down
    from provisioner.engine.machine.down import purge as erase

    context = open_context_aside()
    if not purge:
        bring_down(context, say)
        say("Stopped. Everything is kept; `./taarafo up` continues.")
        return
    if not yes:
        count = context.store.list_communities(limit=1).total
        say(f"This erases {count} communities, all photos, all words and all keys. Forever.")
        typed = typer.prompt("Type “erase everything” to go on", err=True)
        if typed.strip().strip("“”\"'") != "erase everything":
            say("Nothing was changed.")
            raise typer.Exit(2)
    erase(context, say)
    say(f"Gone. Downloaded packages are still in {context.settings.cache}.")


@machine.command()
def status(as_json: Json = False) -> None:
    """What runs here now."""
    from provisioner.engine.machine.status import read_status

    found = read_status(open_context_aside())
    show(found.as_json(), found.as_text(), as_json=as_json)
    if not found.is_healthy:
        raise typer.Exit(1)


@machine.command()
def doctor(as_json: Json = False) -> None:
    """What is wrong with this machine, and what to do."""
    from provisioner.engine.machine.doctor import diagnose_machine

    diagnoses = diagnose_machine(Settings())
    lines = [f"{'ok  ' if d.ok else 'LOOK'}  {d.title}: {d.sentence} {d.advice}" for d in diagnoses]
    rows = [
        {"ok": d.ok, "title": d.title, "sentence": d.sentence, "advice": d.advice}
        for d in diagnoses
    ]
    show(rows, "\n".join(line.rstrip() for line in lines), as_json=as_json)
    if not all(d.ok for d in diagnoses):
        raise typer.Exit(10)
