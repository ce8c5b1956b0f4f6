"""The community is ready: open it, invite people, keep the way to her own page."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, make_response, redirect, render_template, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from provisioner.engine.keys import get_keys
from provisioner.models.community import Community, CommunityState
from web.current import get_context, get_settings
from web.qr import draw_qr
from web.wizard.blueprint import blueprint
from web.wizard.making import get_held


@dataclass(frozen=True)
class Handover:
    """The links that a founder holds, ready to be shown."""

    signin_url: str
    invite_url: str
    own_url: str
    invite_qr: Markup
    own_qr: Markup


@blueprint.get("/making/<operation_id>/ready")
def show_ready(operation_id: str) -> BaseResponse:
    _, community = get_held(operation_id)
    if community.state != CommunityState.RUNNING:
        return redirect(url_for("wizard.show_making", operation_id=operation_id), 303)
    page = render_template("wizard/ready.html", community=community, keys=hand_over(community))
    response: Response = make_response(page)
    response.headers["Cache-Control"] = "no-store"
    return response


def hand_over(community: Community) -> Handover:
    """Unseal her keys for this one page."""
    keys = get_keys(get_context(), community)
    own_url = get_settings().url + url_for("console.open_page", token=keys.console_token)
    return Handover(
        signin_url=keys.signin_url,
        invite_url=keys.invite_url,
        own_url=own_url,
        invite_qr=draw_qr(keys.invite_url, f"Invitation to {community.name}"),
        own_qr=draw_qr(own_url, f"Your own page for {community.name}"),
    )
