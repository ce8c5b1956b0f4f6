"""Change the version of one community, or what may change it."""

from __future__ import annotations

from collections.abc import Callable

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from provisioner.engine.context import Context
from provisioner.engine.upgrades.upgrade import request_rollback, request_upgrade
from provisioner.engine.upgrades.wishes import choose_channel, choose_zone, pin, postpone
from provisioner.errors import Conflict, SaidBadly
from provisioner.models.community import Community
from provisioner.models.operation import Operation
from web.current import get_context
from web.operator.communities import render_community
from web.operator.door import blueprint

BY = "operator"


@blueprint.post("/communities/<community_id>/upgrade")
def upgrade(community_id: str) -> ResponseReturnValue:
    return _ask(community_id, lambda context, each: request_upgrade(context, each, requested_by=BY))


@blueprint.post("/communities/<community_id>/rollback")
def roll_back(community_id: str) -> ResponseReturnValue:
    as_it_was = bool(request.form.get("as_it_was"))
    return _ask(
        community_id,
        lambda context, each: request_rollback(context, each, as_it_was=as_it_was, requested_by=BY),
    )


@blueprint.post("/communities/<community_id>/pin")
def pin_version(community_id: str) -> ResponseReturnValue:
    wanted = request.form.get("version", "")
    return _change(community_id, lambda context, each: pin(context, each, wanted))


@blueprint.post("/communities/<community_id>/postpone")
def postpone_upgrades(community_id: str) -> ResponseReturnValue:
    days, why = request.form.get("days", -1, type=int), request.form.get("why", "")
    return _change(community_id, lambda context, each: postpone(context, each, days=days, why=why))


@blueprint.post("/communities/<community_id>/channel")
def follow_channel(community_id: str) -> ResponseReturnValue:
    wanted = request.form.get("channel", "")
    return _change(community_id, lambda context, each: choose_channel(context, each, wanted))


@blueprint.post("/communities/<community_id>/zone")
def choose_clock(community_id: str) -> ResponseReturnValue:
    wanted = request.form.get("zone", "")
    return _change(community_id, lambda context, each: choose_zone(context, each, wanted))


def _ask(community_id: str, ask: Callable[[Context, Community], Operation]) -> ResponseReturnValue:
    """Leads to the operation, whose steps can be watched there."""
    context = get_context()
    community = context.store.get_community(community_id)
    try:
        operation = ask(context, community)
    except (SaidBadly, Conflict) as problem:
        return render_community(community, refused=problem), problem.http_status
    return redirect(url_for("operator.show_operation", operation_id=operation.id), 303)


def _change(
    community_id: str, change: Callable[[Context, Community], Community]
) -> ResponseReturnValue:
    context = get_context()
    community = context.store.get_community(community_id)
    try:
        change(context, community)
    except SaidBadly as problem:
        return render_community(community, refused=problem), problem.http_status
    path = url_for("operator.show_community", community_id=community.id)
    return redirect(f"{path}#version", 303)
