"""Her recovery kit: a page to print, with the words that open her backups without us."""

from __future__ import annotations

from flask import Response, make_response, render_template

from provisioner.engine.backups.kit import open_kit
from web.console.blueprint import blueprint
from web.console.page import get_mine
from web.current import get_context
from web.qr import draw_qr


@blueprint.get("/<string(maxlength=32):label>/kit")
def show_kit(label: str) -> Response:
    community = get_mine(label)
    context = get_context()
    kit = open_kit(context, community)
    now = context.clock.now()
    page = render_template(
        "console/kit.html",
        community=community,
        kit=kit,
        qr=draw_qr(kit.command, f"What brings {community.name} back"),
        today=f"{now.day} {now:%B %Y}",
    )
    response: Response = make_response(page)
    response.headers["Cache-Control"] = "no-store"
    return response
