"""Give a release of `early` to everybody, once it has proved itself there."""

from __future__ import annotations

from provisioner.core.channels import Trial, judge_trial, say_trial
from provisioner.core.rollout.values import CANARY
from provisioner.engine.context import Context
from provisioner.engine.publisher import open_publisher
from provisioner.engine.roll_out import as_rollout, read_pace
from provisioner.errors import NotFound, PromotionRefused
from provisioner.models.release import EARLY, Listing, release_target
from provisioner.models.rollout import RolloutRow
from provisioner.publishing.promote import promote_release


def promote(context: Context, app: str, version: str, *, at_once: bool = False) -> Listing:
    """The same images, nothing built. Raises PromotionRefused as long as it has not run on `early`
    for the soak of a first wave without a failure, unless it shall go at once."""
    now = context.clock.now()
    if not at_once and (why := judge_trial(_read_trial(context, app, version), now)):
        reason = f"{why}. With --at-once it goes all the same"
        raise PromotionRefused(name=f"{app} {version}", reason=reason)
    return promote_release(open_publisher(context), app, version, now=now)


def explain_trial(context: Context, row: RolloutRow) -> str:
    """How far a release of `early` is from being given to everybody; empty for any other."""
    if row.channel != EARLY:
        return ""
    return say_trial(_as_trial(context, row), context.clock.now())


def _read_trial(context: Context, app: str, version: str) -> Trial:
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
