"""Taking a community down for good, after its address was typed."""

from __future__ import annotations

from flask import Response, make_response, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from provisioner.engine.remove import needs_copy, request_removal
from provisioner.errors import Conflict, SaidBadly
from provisioner.models.community import Community
from web.console.blueprint import blueprint
from web.console.page import find_open_removal, get_mine, show_page
from web.current import get_context
from web.limits import limited
from web.wizard.saying import Problem
from web.wizard.show import go_to_making


@blueprint.get("/<string(maxlength=32):label>/remove")
def show_removal(label: str) -> BaseResponse:
    community = get_mine(label)
    if find_open_removal(community):
        return show_page(label)
    return _render(community)


@blueprint.post("/<string(maxlength=32):label>/remove")
@limited("30 per hour")
def remove(label: str) -> BaseResponse:
    """Sent twice, it is removed once: the second answer shows the same progress."""
    community = get_mine(label)
    if find_open_removal(community):
        return show_page(label)
    try:
        operation = request_removal(
            get_context(),
            community,
            typed=request.form.get("typed", ""),
            even_without_backup=request.form.get("even_without_backup") == "yes",
            requested_by="founder",
        )
    except SaidBadly as error:
        return _render(community, Problem.of(error), 422)
    except Conflict as error:
        return _render(community, Problem("typed", error.explain(), error.next_step()), 409)
    return go_to_making(operation)


def _render(community: Community, problem: Problem | None = None, status: int = 200) -> Response:
    page = render_template(
        "console/remove.html",
        community=community,
        problem=problem,
        needs_copy=needs_copy(get_context(), community),
    )
    return make_response(page, status)
