"""/check and /check/<address>: open to anyone, slow to anyone who hurries."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from web.age import install_age
from web.check import words
from web.check.ask import EXTENSION, RecentVerdicts, ask_for_verdict, complete_address
from web.check.report import is_nothing_there, write_report
from web.current import get_context, get_settings
from web.limits import limited

blueprint = Blueprint("check", __name__, url_prefix="/check")
LONGEST = 300


@blueprint.record
def install(state: BlueprintSetupState) -> None:
    install_age(state.app)
    state.app.extensions.setdefault(EXTENSION, RecentVerdicts())


@blueprint.get("")
def ask() -> ResponseReturnValue:
    """One field. What was typed leads to a page that can be kept and sent on."""
    typed = request.args.get("address", "").strip()[:LONGEST]
    if typed:
        address = complete_address(get_settings(), typed)
        return redirect(url_for("check.show", address=address), 303)
    return render_template(
        "check/ask.html",
        words=words,
        was_empty="address" in request.args,
        ourselves=get_settings().address,
    )


@blueprint.get("/<path:address>")
@limited("30 per minute", methods=("GET",))
def show(address: str) -> ResponseReturnValue:
    """The verdict now. An address without any report gets 404, whatever the reason."""
    typed = address.strip()[:LONGEST]
    whole = complete_address(get_settings(), typed)
    verdict = ask_for_verdict(get_context(), whole)
    if is_nothing_there(verdict):
        return render_template("check/nothing.html", words=words, address=whole), 404
    report = write_report(verdict)
    return render_template("check/report.html", words=words, address=whole, report=report)
