"""The command line: every command is a few lines that call the engine.

Results go to standard output (with `--json` one object or array), all else to standard error.
Exit codes are those of provisioner.errors and engine.check_anywhere (docs/errors.md).
Imports are inside the commands on purpose: `check` must answer in half a second.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from provisioner.errors import TaarafoError
from provisioner.settings import Settings

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
community = typer.Typer(no_args_is_help=True, help="Create, list, show and remove communities.")
release = typer.Typer(no_args_is_help=True, help="Build, publish, list and verify releases.")
witness = typer.Typer(no_args_is_help=True, help="Watch logs and communities independently.")
release_keys = typer.Typer(no_args_is_help=True, help="Change and use the keys that sign releases.")
release_witness = typer.Typer(no_args_is_help=True, help="Choose who watches the public log.")
bench = typer.Typer(no_args_is_help=True, help="Measure, and print what was compared.")
app.add_typer(community, name="community")
app.add_typer(release, name="release")
release.add_typer(release_keys, name="keys")
release.add_typer(release_witness, name="witness")
app.add_typer(witness, name="witness")
app.add_typer(bench, name="bench")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value and nothing else.")]


def say(sentence: str) -> None:
    """Progress, for people: to standard error."""
    typer.echo(sentence, err=True)


def show(value: Any, text: str, *, as_json: bool) -> None:  # noqa: ANN401 - any JSON value
    """The result, for people or for programs: to standard output."""
    import json

    typer.echo(json.dumps(value, ensure_ascii=False, default=str) if as_json else text)


def open_context() -> Any:  # noqa: ANN401 - imported late
    from provisioner.engine.context import Context

    return Context(Settings())


# -- this machine ------------------------------------------------------------------------------


@app.command()
def up(as_json: Json = False) -> None:
    """Set this machine up and run everything on it. Running it again changes nothing."""
    from dataclasses import asdict

    from provisioner.engine.up import bring_up

    report = bring_up(Settings(), say)
    lines = [f"The wizard is open at {report.url}"]
    if report.operator_link:
        lines.append(f"Your own dashboard, once, to set a password: {report.operator_link}")
    lines.append(f"Ready in {report.seconds} seconds.")
    show(asdict(report), "\n".join(lines), as_json=as_json)


@app.command()
def down(
    purge: Annotated[bool, typer.Option(help="Also erase all data and keys.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Stop what `up` started. Data stays, unless you ask for it to be erased."""
    from provisioner.engine.down import bring_down
    from provisioner.engine.down import purge as erase

    context = open_context()
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


@app.command()
def status(as_json: Json = False) -> None:
    """What runs here now."""
    from provisioner.engine.status import read_status

    found = read_status(open_context())
    show(found.as_json(), found.as_text(), as_json=as_json)
    if not found.is_healthy:
        raise typer.Exit(1)


@app.command()
def doctor(as_json: Json = False) -> None:
    """What is wrong with this machine, and what to do."""
    from provisioner.engine.doctor import diagnose_machine

    diagnoses = diagnose_machine(Settings())
    lines = [f"{'ok  ' if d.ok else 'LOOK'}  {d.title}: {d.sentence} {d.advice}" for d in diagnoses]
    rows = [
        {"ok": d.ok, "title": d.title, "sentence": d.sentence, "advice": d.advice}
        for d in diagnoses
    ]
    show(rows, "\n".join(line.rstrip() for line in lines), as_json=as_json)
    if not all(d.ok for d in diagnoses):
        raise typer.Exit(10)


@app.command()
def check(
    address: Annotated[str, typer.Argument(help="Host name; not needed with --offline.")] = "",
    control: Annotated[str, typer.Option(help="Address of the control plane.")] = "",
    root: Annotated[str, typer.Option(help="File with the publisher's root keys.")] = "",
    full: Annotated[bool, typer.Option("--full", help="Have every byte read anew.")] = False,
    save: Annotated[str, typer.Option(help="Keep all it rests on in this file.")] = "",
    offline: Annotated[str, typer.Option(help="Judge a saved file, with no network.")] = "",
    explain: Annotated[bool, typer.Option("--explain", help="Say what each step asks.")] = False,
    as_json: Json = False,
) -> None:
    """What runs at ADDRESS, compared with what was published. Exit 0 only for GENUINE."""
    from pathlib import Path

    from provisioner.engine import check_anywhere as anywhere
    from provisioner.engine.saved_check import judge_saved

    context = open_context()
    trusted = Path(root) if root else None
    if offline:
        verdict = judge_saved(context, Path(offline), trusted)
    else:
        verdict = anywhere.check_anywhere(
            context,
            address,
            control=control,
            root=trusted,
            save=Path(save) if save else None,
            is_full=full,
            say=say,
        )
    write = anywhere.explain_verdict if explain else anywhere.write_verdict
    show(verdict.as_json(), write(verdict), as_json=as_json)
    raise typer.Exit(anywhere.exit_code_of(verdict.outcome))


# -- communities -------------------------------------------------------------------------------


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
    as_json: Json = False,
) -> None:
    """Remove a community and everything in it."""
    from provisioner.engine.create_now import remove_now
    from provisioner.engine.describe import get_living
    from provisioner.engine.progress_bar import ProgressBar

    context = open_context()
    living = get_living(context, address)
    typed = (
        living.label if yes else typer.prompt(f"Type its address to remove {living.name}", err=True)
    )
    with ProgressBar() as bar:
        removed = remove_now(context, living, typed=typed, on_progress=bar.show)
    show(removed, f"{living.address} is gone.", as_json=as_json)


# -- releases ----------------------------------------------------------------------------------


@release.command("build")
def release_build(recipe: str = "taarafo", as_json: Json = False) -> None:
    """Build the images of a recipe, reproducibly."""
    from provisioner.engine.release import build_release

    built = build_release(open_context(), recipe, say).model_dump(mode="json", by_alias=True)
    facts = {"recipe": recipe, "version": built["recipe"]["version"], "images": built["images"]}
    text = "\n".join(f"{name}  {image['digest']}" for name, image in built["images"].items())
    show(facts, text, as_json=as_json)


@release.command("publish")
def release_publish(recipe: str = "taarafo", as_json: Json = False) -> None:
    """Build, push by digest, sign and publish the version that the recipe names."""
    from provisioner.engine.release import publish_recipe

    listing = publish_recipe(open_context(), recipe, say)
    show(listing.model_dump(mode="json"), f"Published {listing.target}", as_json=as_json)


@release.command("list")
def release_list(as_json: Json = False) -> None:
    """Every published release."""
    from provisioner.engine.release import list_published

    listings = list_published(open_context())
    rows = [listing.model_dump(mode="json") for listing in listings]
    lines = [f"{row.target}{'  self-built' if row.is_self_built else ''}" for row in listings]
    show(rows, "\n".join(lines) or "Nothing is published yet.", as_json=as_json)


@release.command("verify")
def release_verify(as_json: Json = False) -> None:
    """Read everything published as a stranger would, from the root we shipped with."""
    from provisioner.engine.release import verify_published

    report = verify_published(open_context())
    lines = [f"{'ok  ' if row['ok'] else 'BAD '}  {row['sentence']}" for row in report]
    show(report, "\n".join(lines), as_json=as_json)
    if not all(row["ok"] for row in report):
        raise typer.Exit(20)


@release.command("floor")
def release_floor(
    recipe: str,
    version: str,
    channel: Annotated[str, typer.Option(help="Line of releases.")] = "stable",
    as_json: Json = False,
) -> None:
    """Say that versions of RECIPE before VERSION are not safe to run any more."""
    from provisioner.engine.release_keys import raise_release_floor

    listing = raise_release_floor(open_context(), recipe, channel, version)
    text = f"Before {listing.security_floor}, no version of {recipe} is called safe any more."
    show(listing.model_dump(mode="json"), text, as_json=as_json)


@release_keys.command("list")
def keys_list(as_json: Json = False) -> None:
    """Who may sign which role, how many must, and until when it is signed."""
    from provisioner.engine.release_keys import list_release_keys, list_waiting_sentences

    context = open_context()
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


@release_keys.command("rotate")
def keys_rotate(
    role: str,
    number: Annotated[int, typer.Option(help="Which of its keys.")] = 1,
    as_json: Json = False,
) -> None:
    """Replace a key of ROLE by a new one with the same file name."""
    from provisioner.engine.release_keys import rotate_release_key

    _show_ceremony(rotate_release_key(open_context(), role, number), as_json)


@release_keys.command("add")
def keys_add(role: str, file: str, as_json: Json = False) -> None:
    """Let the holder of the public key in FILE sign ROLE too."""
    from pathlib import Path

    from provisioner.engine.release_keys import add_release_key

    _show_ceremony(add_release_key(open_context(), role, Path(file)), as_json)


@release_keys.command("remove")
def keys_remove(role: str, keyid: str, as_json: Json = False) -> None:
    """Take a key of ROLE out of use, for good."""
    from provisioner.engine.release_keys import remove_release_key

    _show_ceremony(remove_release_key(open_context(), role, keyid), as_json)


@release_keys.command("threshold")
def keys_threshold(
    role: str,
    needed: Annotated[int, typer.Argument(metavar="N")],
    keys: Annotated[int, typer.Option(help="Make keys here until there are so many.")] = 0,
    as_json: Json = False,
) -> None:
    """Let N of the keys of ROLE have to sign."""
    from provisioner.engine.release_keys import set_release_threshold

    _show_ceremony(set_release_threshold(open_context(), role, needed, keys), as_json)


@release_keys.command("sign")
def keys_sign(
    role: str,
    key: Annotated[str, typer.Option(help="Key file to sign with.")] = "",
    as_json: Json = False,
) -> None:
    """Sign the waiting change of ROLE; it is published once enough have signed."""
    from pathlib import Path

    from provisioner.engine.release_keys import sign_release_change

    signed = sign_release_change(open_context(), role, Path(key) if key else None)
    _show_ceremony(signed, as_json)


def _show_ceremony(described: dict[str, Any], as_json: bool) -> None:
    from provisioner.engine.release_keys import write_ceremony

    show(described, write_ceremony(described), as_json=as_json)


@release.command("rebuild")
def release_rebuild(
    app_name: Annotated[str, typer.Argument(metavar="APP")],
    version: str,
    channel: str = "stable",
    key: Annotated[str, typer.Option(help="File with the rebuilder's key.")] = "",
    as_json: Json = False,
) -> None:
    """Build a published release again from its source, compare, and sign if it is the same."""
    from pathlib import Path

    from provisioner.engine.rebuild import rebuild_release

    file = Path(key) if key else None
    rebuilt = rebuild_release(open_context(), app_name, version, say, channel=channel, key=file)
    show(rebuilt.as_json(), rebuilt.as_text(), as_json=as_json)
    rebuilt.require_same()


@release_witness.command("list")
def log_witness_list(as_json: Json = False) -> None:
    """The key of the public log, its witnesses, and how many must have seen it lately."""
    from provisioner.engine.release_witnesses import describe_policy

    described = describe_policy(open_context())
    lines = [f"{w['name']}  {w['vkey']}  {w['url']}" for w in described["witnesses"]]
    text = "\n".join([f"log {described['log']}", *lines, f"needed: {described['needed']}"])
    show(described, text, as_json=as_json)


@release_witness.command("add")
def log_witness_add(
    name: str,
    vkey: str,
    url: str,
    needed: Annotated[int, typer.Option(help="How many of all must have seen the log.")] = 1,
    as_json: Json = False,
) -> None:
    """Let the witness NAME count, as it prints itself when it starts."""
    from provisioner.engine.release_witnesses import add_log_witness

    _show_ceremony(add_log_witness(open_context(), name, vkey, url, needed), as_json)


@release_witness.command("remove")
def log_witness_remove(
    name: str,
    needed: Annotated[int, typer.Option(help="How many of the others must have seen it.")] = 1,
    as_json: Json = False,
) -> None:
    """Let the witness NAME count no more."""
    from provisioner.engine.release_witnesses import remove_log_witness

    _show_ceremony(remove_log_witness(open_context(), name, needed), as_json)


# -- a witness ---------------------------------------------------------------------------------


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


# -- benchmarks --------------------------------------------------------------------------------


@bench.command("create")
def bench_create(times: int = 20, as_json: Json = False) -> None:
    """From the form's submit to the founder's first page, beside a bare service."""
    from provisioner.engine.benchmarks.create import bench_create as measure

    _show_numbers(measure(open_context(), times=times, say=say), as_json)


@bench.command("measure")
def bench_measure(as_json: Json = False) -> None:
    """A full measurement of 150 MB in 5,000 files, beside sha256sum over the same files."""
    from provisioner.engine.benchmarks.measure import bench_measure as measure

    _show_numbers(measure(), as_json)


@bench.command("memory")
def bench_memory(as_json: Json = False) -> None:
    """Idle memory of the control plane and of one community."""
    from provisioner.engine.benchmarks.memory import bench_memory as measure

    _show_numbers(measure(open_context()), as_json)


@bench.command("trust")
def bench_trust(as_json: Json = False) -> None:
    """What a check costs: the command, the agent, the edge, the log and its witnesses."""
    from provisioner.engine.benchmarks.trust import bench_trust as measure

    _show_numbers(measure(open_context(), say), as_json)


def _show_numbers(numbers: dict[str, object], as_json: bool) -> None:
    show(numbers, "\n".join(f"{k}: {v}" for k, v in numbers.items()), as_json=as_json)


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
