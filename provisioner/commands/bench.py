"""Measure, and print what was compared."""

from __future__ import annotations

import typer

from provisioner.commands.speaking import Json, open_context, say, show_numbers

bench = typer.Typer(no_args_is_help=True, help="Measure, and print what was compared.")


@bench.command("create")
def bench_create(times: int = 20, as_json: Json = False) -> None:
    """From the form's submit to the founder's first page, beside a bare service."""
    from provisioner.engine.benchmarks.create import bench_create as measure

    show_numbers(measure(open_context(), times=times, say=say), as_json)


@bench.command("measure")
def bench_measure(as_json: Json = False) -> None:
    """A full measurement of 150 MB in 5,000 files, beside sha256sum over the same files."""
    from provisioner.engine.benchmarks.measure import bench_measure as measure

    show_numbers(measure(), as_json)


@bench.command("memory")
def bench_memory(as_json: Json = False) -> None:
    """Idle memory of the control plane and of one community."""
    from provisioner.engine.benchmarks.memory import bench_memory as measure

    show_numbers(measure(open_context()), as_json)


@bench.command("trust")
def bench_trust(as_json: Json = False) -> None:
    """What a check costs: the command, the agent, the edge, the log and its witnesses."""
    from provisioner.engine.benchmarks.trust import bench_trust as measure

    show_numbers(measure(open_context(), say), as_json)


@bench.command("drill")
def bench_drill(megabytes: int = 1000, as_json: Json = False) -> None:
    """A restore drill of 1 GB, beside `restic restore` of the same alone."""
    from provisioner.engine.benchmarks.drill import bench_drill as measure

    show_numbers(measure(open_context(), megabytes=megabytes, say=say), as_json)


@bench.command("move")
def bench_move(megabytes: int = 1000, as_json: Json = False) -> None:
    """A move of 1 GB, beside `restic backup` and `restic restore` of the same alone."""
    from provisioner.engine.benchmarks.move import bench_move as measure

    show_numbers(measure(open_context(), megabytes=megabytes, say=say), as_json)


@bench.command("upgrade")
def bench_upgrade(times: int = 3, as_json: Json = False) -> None:
    """Upgrades while members read and write: what failed, what was lost, how long it took."""
    from provisioner.engine.benchmarks.upgrade import bench_upgrade as measure

    show_numbers(measure(open_context(), times=times, say=say), as_json)


@bench.command("dashboard")
def bench_dashboard(times: int = 40, as_json: Json = False) -> None:
    """The dashboard with ten thousand communities, beside the same with a hundred."""
    from provisioner.engine.benchmarks.dashboard import bench_dashboard as measure

    show_numbers(measure(times=times, say=say), as_json)
