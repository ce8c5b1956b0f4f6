"""Tokens for the API: make one, see it once, revoke it."""

from __future__ import annotations

from flask import make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from provisioner.core.names import judge_name
from provisioner.engine.operators import list_api_tokens, make_api_token, revoke_api_token
from provisioner.errors import SaidBadly
from web.current import get_context, get_settings
from web.limits import limited
from web.operator.door import blueprint


@blueprint.get("/api-tokens")
def list_tokens() -> ResponseReturnValue:
    return _render()


@blueprint.post("/api-tokens")
@limited("30 per hour")
def make_token() -> ResponseReturnValue:
    """Shown in the answer and nowhere else; only its digest is kept."""
    try:
        label = judge_name(request.form.get("label", ""), "label")
    except SaidBadly as problem:
        return _render(problem=problem), problem.http_status
    response = make_response(_render(made=make_api_token(get_context(), label), label=label), 201)
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/api-tokens/<int:token_id>/revoke")
def revoke_token(token_id: int) -> ResponseReturnValue:
    """Revoking one that is gone changes nothing."""
    revoke_api_token(get_context(), token_id)
    return redirect(url_for("operator.list_tokens"), 303)


def _render(*, made: str = "", label: str = "", problem: SaidBadly | None = None) -> str:
    return render_template(
        "operator/api_tokens.html",
        tokens=list_api_tokens(get_context()),
        made=made,
        label=label,
        problem=problem,
        url=get_settings().url,
    )
