"""Pages about the community itself: health, rules, what runs here, robots."""

from __future__ import annotations

from flask import Blueprint, Response, render_template

from .. import members
from .context import db, here

pages = Blueprint("about", __name__)


@pages.get("/healthz")
def health() -> Response:
    """Says that the app answers, and nothing about the community."""
    return Response("ok\n", mimetype="text/plain")


@pages.get("/rules")
def rules() -> str:
    return render_template("rules.html", owners=owner_names())


@pages.get("/what-runs-here")
def what_runs_here() -> str:
    return render_template("what_runs_here.html")


@pages.get("/robots.txt")
def robots() -> Response:
    word = "Allow" if here().config.is_public else "Disallow"
    return Response(f"User-agent: *\n{word}: /\n", mimetype="text/plain")


def owner_names() -> list[str]:
    """Who answers for the community today."""
    return [owner.name for owner in members.list_owners(db())] or [here().config.founder.name]
