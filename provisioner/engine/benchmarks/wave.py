"""Many upgrades at once, carried by the worker that runs here: its memory, and what is left."""

from __future__ import annotations

import json
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import quantiles
from typing import Any

from provisioner.core.promises import plan_promises
from provisioner.engine.at_once import swap_now
from provisioner.engine.benchmarks.memory import measure_service
from provisioner.engine.context import Context
from provisioner.engine.create import request_community
from provisioner.engine.remove import request_removal
from provisioner.engine.upgrades.upgrade import request_repeat
from provisioner.errors import Conflict, NotFound, OperationFailed, Unavailable
from provisioner.files import write_atomically
from provisioner.models.community import GONE, Community, CommunityState
from provisioner.models.operation import Operation, OperationState
from provisioner.models.promise import Preset

Say = Callable[[str], None]
BY = "bench"
SECONDS_EACH = 60.0  # that one community may take of a whole wave
LOOK_SECONDS = 1.0
REST_SECONDS = 8.0  # in which the worker shows what it needs while nothing is done
ENDED = 128 + signal.SIGTERM


def bench_wave(context: Context, *, communities: int, say: Say) -> dict[str, Any]:
    """The newest version takes the place of itself in each of so many communities.

    All are made for it, and removed; those of a run that was killed, by the next one. One of them
    is upgraded alone first, to compare with.
    """
    with _made(context, communities, say) as made:
        alone = _upgrade_alone(context, made[0])
        time.sleep(REST_SECONDS)
        with _watched(context) as sizes:
            time.sleep(REST_SECONDS)
            before = list(sizes)
            say(f"{communities} upgrades are asked for; the worker takes them")
            began = time.monotonic()
            asked = [
                request_repeat(context, context.store.get_community(each.id), requested_by=BY)
                for each in made
            ]
            left = _wait_until_over(context, asked, say)
            seconds = time.monotonic() - began
            peak = max(sizes, default=0.0)
            time.sleep(REST_SECONDS)
            after = sizes[-len(before) :]
        return {
            "seconds": round(seconds, 1),
            "communities": communities,
            **_sum_up(context, made, asked),
            "operations_left": left,
            "alone_seconds": round(alone, 2),
            "ratio": round(seconds / (communities * alone), 3),
            "worker_mb_before": round(_middle(before), 1),
            "worker_mb_peak": round(peak, 1),
            "worker_mb_after": round(_middle(after), 1),
            "compared": f"{communities} upgrades of the newest version to itself, each with a "
            "backup first, asked for at once and carried by the worker of this control plane; "
            "`ratio` is of all of them beside as many times one upgrade alone; memory is the "
            "worker's RSS",
        }


def _sum_up(
    context: Context, made: Sequence[Community], asked: Sequence[Operation]
) -> dict[str, Any]:
    ended = [context.store.get_operation(each.id) for each in asked]
    spent = [_read_seconds(context, each) for each in ended if each.finished_at]
    swapped = [context.store.get_community(each.id) for each in made]
    stranded = set(context.store.list_stranded(context.clock.now())) & {each.id for each in asked}
    return {
        "p50_seconds": round(_middle(spent), 2),
        "p95_seconds": round(quantiles([*spent, *spent], n=20)[-1], 2) if spent else 0.0,
        "failed": sum(each.state == OperationState.FAILED for each in ended),
        "stranded": len(stranded),
        "not_running": sum(each.state != CommunityState.RUNNING for each in swapped),
    }


def _read_seconds(context: Context, operation: Operation) -> float:
    """From its first step to the end of its last one."""
    steps = context.store.list_steps(operation.id)
    began = min(step.started_at for step in steps if step.started_at)
    ended = max(step.finished_at for step in steps if step.finished_at)
    return (ended - began).total_seconds()


def _upgrade_alone(context: Context, community: Community) -> float:
    """Seconds from asking until it is over, carried by this process."""
    now = context.store.get_community(community.id)
    operation = request_repeat(context, now, requested_by=BY)
    told = swap_now(context, now, operation, lambda _: None)
    return float(told["seconds"])


def _wait_until_over(context: Context, asked: Sequence[Operation], say: Say) -> int:
    """How many were still open when patience ended."""
    ends = time.monotonic() + SECONDS_EACH * len(asked)
    left, told = len(asked), len(asked)
    while left and time.monotonic() < ends:
        time.sleep(LOOK_SECONDS / 2)
        states = [context.store.get_operation(each.id).state for each in asked]
        left = sum(not OperationState(state).is_over for state in states)
        if told - left >= max(1, len(asked) // 10):
            say(f"{left} are left")
            told = left
    return left


# -- what it is measured on ------------------------------------------------------------------------


@contextmanager
def _made(context: Context, count: int, say: Say) -> Iterator[list[Community]]:
    """So many communities that run; they are removed again, also when this process is ended."""
    remove_leftovers(context, say)
    prefix = f"Wave {secrets.token_hex(4)}"
    write_atomically(_note(context), json.dumps({"prefix": prefix}).encode())
    before = signal.signal(signal.SIGTERM, _end)
    try:
        say(f"Making {count} communities")
        for number in range(count):
            _ask_for(context, f"{prefix} {number}")
        yield _wait_until_made(context, prefix, count)
    finally:
        remove_leftovers(context, say)
        signal.signal(signal.SIGTERM, before)


def _end(*_: object) -> None:
    raise SystemExit(ENDED)


def _ask_for(context: Context, name: str) -> None:
    request_community(
        context,
        name=name,
        preset=Preset.FAMILY,
        promises=plan_promises(Preset.FAMILY),
        founder="Ann",
        requested_by=BY,
    )


def _wait_until_made(context: Context, prefix: str, count: int) -> list[Community]:
    ends = time.monotonic() + SECONDS_EACH * count
    while True:
        found = _list_ours(context, prefix)
        running = [each for each in found if each.state == CommunityState.RUNNING]
        if len(running) == count and not {each.id for each in found} & context.store.list_busy():
            return running
        if len(found) < count or time.monotonic() > ends:
            raise OperationFailed("bench", reason=f"Only {len(running)} of {count} came up.")
        time.sleep(LOOK_SECONDS)


def remove_leftovers(context: Context, say: Say) -> None:
    """Whatever the last run made and has not removed, if there is any."""
    note = _note(context)
    try:
        prefix = str(json.loads(note.read_bytes())["prefix"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    ours = _list_ours(context, prefix)
    if ours:
        say(f"Removing {len(ours)} communities")
    ends = time.monotonic() + SECONDS_EACH * max(1, len(ours))
    while ours := _list_ours(context, prefix):
        for each in ours:
            # its removal is asked for, or it is still being made, or it is gone just now
            with suppress(Conflict, NotFound):
                request_removal(
                    context, each, typed=each.label, even_without_backup=True, requested_by=BY
                )
        if time.monotonic() > ends:
            raise OperationFailed("bench", reason=f"{len(ours)} communities could not be removed.")
        time.sleep(LOOK_SECONDS)
    note.unlink(missing_ok=True)


def _list_ours(context: Context, prefix: str) -> list[Community]:
    most = context.settings.max_communities
    rows = context.store.list_communities(search=prefix, limit=most).rows
    return [each for each in rows if each.name.startswith(prefix) and each.state not in GONE]


def _note(context: Context) -> Path:
    """Says what a run makes before it makes anything, for the next one."""
    return context.settings.state / "bench-wave.json"


@contextmanager
def _watched(context: Context) -> Iterator[list[float]]:
    """The worker's RSS in MB, again and again."""
    sizes: list[float] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_SECONDS):
            with suppress(Unavailable):  # Docker is busy; the next look tells
                sizes.append(measure_service(context, f"{context.settings.stack}-worker")[0])

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield sizes
    finally:
        ended.set()
        watcher.join()


def _middle(numbers: Sequence[float]) -> float:
    return sorted(numbers)[len(numbers) // 2] if numbers else 0.0
