"""How releases reach the communities: what moves, what waits, what is outdated and why."""

from __future__ import annotations

from dataclasses import dataclass

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from provisioner.core.versions import channel_of, version_of
from provisioner.engine.upgrades.roll_out import explain_standing, pause_rollout, resume_rollout
from provisioner.engine.upgrades.trial import explain_trial
from provisioner.errors import Conflict
from provisioner.models.community import Community
from provisioner.models.release import EARLY, STABLE
from provisioner.models.rollout import RolloutRow
from provisioner.models.words import STEP_WORDS
from web.current import get_context
from web.operator.door import blueprint

SHOWN, A_PAGE, LAST_PAGE = 10, 50, 100_000
WAVES = ("Canaries", "A tenth", "Everybody")
CHANGES = {"pause": pause_rollout, "resume": resume_rollout}


@dataclass(frozen=True)
class Older:
    """A community that does not run the newest release, with the reason."""

    community: Community
    standing: str
    why: str


@blueprint.get("/upgrades")
def list_upgrades() -> str:
    """The same few queries for one community and for ten thousand."""
    store = get_context().store
    rollouts = store.list_rollouts(limit=SHOWN)
    page = min(max(request.args.get("page", 1, type=int), 1), LAST_PAGE)
    older, total = _list_older(rollouts[0], page) if rollouts else ([], 0)
    tried = _find_tried(rollouts)
    halted = [row.target for row in rollouts if row.state == "halted"]
    return render_template(
        "operator/upgrades.html",
        rollouts=rollouts,
        newest=rollouts[0] if rollouts else None,
        swaps=store.list_swaps(),
        failures=store.list_failures(halted) if halted else [],
        older=older,
        total=total,
        page=page,
        last_page=max(1, -(-total // A_PAGE)),
        tried=tried,
        trial=explain_trial(get_context(), tried) if tried else "",
        words=STEP_WORDS,
        waves=WAVES,
        version_of=version_of,
    )


@blueprint.post("/rollouts/<action>")
def change_rollout(action: str) -> ResponseReturnValue:
    """`pause` or `resume` the rollout of the release `target`."""
    change = CHANGES.get(action)
    if change is None:
        return redirect(url_for("operator.list_upgrades"), 303)
    try:
        change(get_context(), request.form.get("target", ""))
    except Conflict as problem:
        return render_template("operator/refused.html", problem=problem), problem.http_status
    return redirect(url_for("operator.list_upgrades"), 303)


def _find_tried(rollouts: list[RolloutRow]) -> RolloutRow | None:
    """The newest of `early`, unless `stable` has that version, too."""
    stable = {(row.app, version_of(row.target)) for row in rollouts if row.channel == STABLE}
    newest = next((row for row in rollouts if row.channel == EARLY), None)
    if newest is None or (newest.app, version_of(newest.target)) in stable:
        return None
    return newest


def _list_older(row: RolloutRow, page: int) -> tuple[list[Older], int]:
    context = get_context()
    rows, total = context.store.list_older(row, offset=(page - 1) * A_PAGE, limit=A_PAGE)
    attempts = context.store.find_attempts(row.target, [each.id for each in rows])
    found = []
    for each in rows:
        standing = explain_standing(context, row, each, attempts.get(each.id, ""))
        found.append(Older(each, standing, _explain(each, standing, row)))
    return found, total


def _explain(community: Community, standing: str, row: RolloutRow) -> str:
    if standing == "postponed" and community.postponed_until:
        until = f"{community.postponed_until:%Y-%m-%d %H:%M} UTC"
        return f"put off until {until}: {community.postponed_why}"
    if standing == "waiting" and row.state in ("paused", "halted"):
        return f"nobody is started while it is {row.state}"
    return {
        "pinned": f"it stays at {community.pinned_to}",
        "waiting": "its turn has not come",
        "running": "it is being upgraded now",
        "failed": "its upgrade failed and was put back; it is not tried again by itself",
        "unreachable": "another release has to come first",
        "there": _explain_newer(community),
    }.get(standing, standing)


def _explain_newer(community: Community) -> str:
    came_from = channel_of(community.release)
    if came_from in ("", community.channel):
        return "it runs a newer one"
    return (
        f"it runs {community.version} from {came_from}, and stays there until {community.channel} "
        "has caught up"
    )
