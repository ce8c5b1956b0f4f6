"""Coming in: a one-time link sets a password, the password opens the dashboard."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from provisioner.engine.operators import (
    SHORTEST_PASSWORD,
    end_sessions,
    find_operator,
    is_link_open,
    set_password,
    sign_in,
)
from provisioner.errors import NotAllowed, SaidBadly
from web.current import get_context
from web.limits import limited
from web.operator.door import blueprint, choose_next, let_in, let_out

LONGEST_PASSWORD = 1000


@blueprint.get("/welcome/<token>")
def show_welcome(token: str) -> ResponseReturnValue:
    """Looking at it uses nothing up: chat programs look at links too."""
    if not is_link_open(get_context(), token):
        return render_template("operator/used_link.html"), 410
    return render_template("operator/welcome.html", token=token, shortest=SHORTEST_PASSWORD)


@blueprint.post("/welcome/<token>")
@limited("20 per hour")
def take_password(token: str) -> ResponseReturnValue:
    context = get_context()
    if not is_link_open(context, token):
        return render_template("operator/used_link.html"), 410
    try:
        let_in(set_password(context, token, _read_password()))
    except SaidBadly as problem:
        page = render_template(
            "operator/welcome.html", token=token, shortest=SHORTEST_PASSWORD, problem=problem
        )
        return page, problem.http_status
    return redirect(url_for("operator.list_communities"), 303)


@blueprint.get("/sign-in")
def show_sign_in() -> ResponseReturnValue:
    return _show_sign_in()


@blueprint.post("/sign-in")
@limited("10 per 15 minutes")
def sign_in_now() -> ResponseReturnValue:
    try:
        let_in(sign_in(get_context(), _read_password()))
    except (NotAllowed, SaidBadly):
        return _show_sign_in(is_wrong=True), NotAllowed.http_status
    return redirect(choose_next(request.form.get("next", "")), 303)


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """Everywhere: there is one operator, and a copied cookie must not outlive this."""
    end_sessions(get_context())
    let_out()
    return redirect(url_for("operator.show_sign_in"), 303)


def _show_sign_in(*, is_wrong: bool = False) -> str:
    operator = find_operator(get_context())
    return render_template(
        "operator/sign_in.html",
        is_wrong=is_wrong,
        has_password=bool(operator and operator.password_hash),
        next=choose_next(request.values.get("next", "")),
    )


def _read_password() -> str:
    """Hashing is dear, so nobody may send a book. Raises SaidBadly."""
    typed = request.form.get("password", "")
    if len(typed) > LONGEST_PASSWORD:
        raise SaidBadly(f"Please keep it under {LONGEST_PASSWORD} signs.", "password")
    return typed
