"""How a release proves itself on `early` before everybody gets it."""

from __future__ import annotations

from provisioner.core.channels import Trial, say_trial
from provisioner.core.rollout.values import CANARY
from provisioner.engine.context import Context
from provisioner.engine.upgrades.roll_out import as_rollout, read_pace
from provisioner.errors import NotFound
from provisioner.models.release import EARLY, release_target
from provisioner.models.rollout import RolloutRow


def explain_trial(context: Context, row: RolloutRow) -> str:
    """How far a release of `early` is from being given to everybody; empty for any other."""
    if row.channel != EARLY:
        return ""
    return say_trial(_as_trial(context, row), context.clock.now())


def read_trial(context: Context, app: str, version: str) -> Trial:
    target = release_target(app, EARLY, version)
    try:
        return _as_trial(context, context.store.get_rollout(target))
    except NotFound:  # nobody had to be upgraded to it
        soak = read_pace(context).soak_after(CANARY, "routine")
        return Trial(context.store.find_first_run(target), 0, soak)


def _as_trial(context: Context, row: RolloutRow) -> Trial:
    return Trial(
        since=context.store.find_first_run(row.target),
        failed=row.standings.get("failed", 0),
        soak=read_pace(context).soak_after(CANARY, as_rollout(row).urgency),
        is_stopped=row.state in ("paused", "halted"),
    )
