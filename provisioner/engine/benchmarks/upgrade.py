"""An upgrade while members read and write, beside the same crowd without one."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import quantiles
from typing import Any

from provisioner.engine.at_once import swap_now
from provisioner.engine.benchmarks.guest import guest
from provisioner.engine.benchmarks.members import Crowd, join
from provisioner.engine.context import Context
from provisioner.engine.upgrades.upgrade import request_repeat
from provisioner.models.community import Community

RATE = 50.0  # requests a second, reads and writes by turns
PEOPLE = 8
QUIET_SECONDS = 3.0  # before and after each upgrade, and without one


def bench_upgrade(context: Context, *, times: int, say: Callable[[str], None]) -> dict[str, Any]:
    """The newest version takes the place of itself, `times` times: an upgrade does the same."""
    with guest(context) as community:
        say(f"{community.address} is open; {PEOPLE} people come in")
        crowd = Crowd(join(context, community, PEOPLE), rate=RATE)
        with crowd.busy():
            time.sleep(QUIET_SECONDS * 2)
        plain, crowd.answers = list(crowd.answers), []
        held: list[float] = []
        with crowd.busy():
            time.sleep(QUIET_SECONDS)
            for number in range(times):
                held.append(_upgrade(context, community))
                say(f"{number + 1}/{times}: closed for {held[-1]:.2f} s")
                time.sleep(QUIET_SECONDS)
        lost = crowd.list_lost()
    times_plain = [answer.seconds for answer in plain]
    slowest = max(answer.seconds for answer in crowd.answers)
    return {
        "failed_requests": sum(not answer.is_good for answer in crowd.answers),
        "slowest_seconds": round(slowest, 3),
        "lost_writes": len(lost),
        "requests": len(crowd.answers),
        "acknowledged_writes": sum(bool(a.text) and a.is_good for a in crowd.answers),
        "closed_seconds": round(max(held), 3),
        "plain_slowest_seconds": round(max(times_plain), 3),
        "plain_p95_seconds": round(quantiles(times_plain, n=20)[-1], 3),
        "plain_failed_requests": sum(not answer.is_good for answer in plain),
        "ratio": round(slowest / max(times_plain), 1),
        "upgrades": times,
        "compared": f"{RATE:.0f} requests a second, half of them writes, by {PEOPLE} members over "
        f"TCP through the edge, during {times} upgrades of the newest version to itself, beside "
        "the same without an upgrade; `ratio` is of the slowest requests",
    }


def _upgrade(context: Context, community: Community) -> float:
    """Seconds from closing the door to opening it again, as the steps were recorded."""
    now = context.store.get_community(community.id)
    operation = request_repeat(context, now, requested_by="bench")
    swap_now(context, now, operation, lambda _: None)
    steps = {step.name: step for step in context.store.list_steps(operation.id)}
    closed, opened = steps["close_door"].started_at, steps["open_door"].finished_at
    return (opened - closed).total_seconds() if closed and opened else 0.0
