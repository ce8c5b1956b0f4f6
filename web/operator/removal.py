"""Remove a community, once its address was typed."""

from __future__ import annotations

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from provisioner.engine.remove import request_removal
from provisioner.errors import Conflict, SaidBadly
from web.current import get_context
from web.operator.communities import render_community
from web.operator.door import blueprint


@blueprint.post("/communities/<community_id>/remove")
def remove(community_id: str) -> ResponseReturnValue:
    """Leads to the operation, whose steps can be watched there."""
    context = get_context()
    community = context.store.get_community(community_id)
    try:
        operation = request_removal(
            context,
            community,
            typed=request.form.get("typed", ""),
            even_without_backup=request.form.get("even_without_backup") == "yes",
            requested_by="operator",
        )
    except (SaidBadly, Conflict) as problem:
        return render_community(community, problem), problem.http_status
    return redirect(url_for("operator.show_operation", operation_id=operation.id), 303)
