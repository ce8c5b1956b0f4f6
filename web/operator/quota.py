"""Choose how much of the disk one community may have."""

from __future__ import annotations

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from provisioner.engine.quota import choose_quota
from provisioner.errors import SaidBadly
from web.current import get_context
from web.operator.communities import render_community
from web.operator.door import blueprint


@blueprint.post("/communities/<community_id>/quota")
def choose_room(community_id: str) -> ResponseReturnValue:
    """The worker tells the app; whether it did stands on the page that this leads to."""
    context = get_context()
    community = context.store.get_community(community_id)
    try:
        choose_quota(context, community, request.form.get("quota", ""))
    except SaidBadly as problem:
        return render_community(community, too_much=problem), problem.http_status
    path = url_for("operator.show_community", community_id=community.id)
    return redirect(f"{path}#room", 303)
