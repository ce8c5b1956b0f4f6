"""Check now, without waiting for the next round."""

from __future__ import annotations

from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from provisioner.engine.checks.attest import record_verdict
from provisioner.errors import NotFound
from provisioner.models.community import CommunityState
from web.current import get_context
from web.limits import limited
from web.operator.door import blueprint


@blueprint.post("/communities/<community_id>/check")
@limited("30 per minute")
def check_now(community_id: str) -> ResponseReturnValue:
    """Asked through the front door like a member would, and recorded."""
    context = get_context()
    community = context.store.get_community(community_id)
    if community.state != CommunityState.RUNNING:
        raise NotFound(what="running community", name=community.address)
    record_verdict(context, community)
    page = url_for("operator.show_community", community_id=community_id, _anchor="verdict")
    return redirect(page, 303)
