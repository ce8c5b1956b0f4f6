"""/check and /check/<address>: open to anyone, slow to anyone who hurries."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from provisioner.models.community import CommunityState
from provisioner.models.verdict import is_nothing_there
from web.check import words
from web.check.ask import ask_for_verdict, complete_address
from web.check.blueprint import LONGEST, LOOKS, blueprint
from web.check.past import show_past
from web.check.recorded import find_here
from web.check.report import write_report
from web.current import get_context, get_settings
from web.limits import limited

CHANGES_SHOWN = 5


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
@limited("30 per minute", methods=LOOKS)
def show(address: str) -> ResponseReturnValue:
    """The verdict now, and what was found before. An address without any report gets 404."""
    context, whole = get_context(), read_typed(address)
    community = find_here(context, whole)
    if community and community.state == CommunityState.MOVED:
        return render_template("check/moved.html", address=whole, home=community.moved_to)
    verdict = ask_for_verdict(context, whole)
    if is_nothing_there(verdict):
        return say_nothing_there(whole)
    runs = community and community.state == CommunityState.RUNNING
    return render_template(
        "check/report.html",
        words=words,
        address=whole,
        report=write_report(verdict),
        past=show_past(context, community, changes=CHANGES_SHOWN) if community and runs else None,
    )


def read_typed(address: str) -> str:
    """The address that a person meant."""
    return complete_address(get_settings(), address.strip()[:LONGEST])


def say_nothing_there(address: str) -> ResponseReturnValue:
    """404, whatever the reason."""
    return render_template("check/nothing.html", words=words, address=address), 404
