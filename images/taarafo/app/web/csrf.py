"""Every form carries a word that only a page of ours, in this browser, can know."""

from __future__ import annotations

from flask import Response, g, request
from markupsafe import Markup

from .. import tokens
from ..problems import Problem
from . import cookies
from .context import here

FIELD = "form"
SAFE = {"GET", "HEAD", "OPTIONS"}


def seed() -> str:
    """The session, or for somebody not signed in a cookie of this visit."""
    session = cookies.read(cookies.SESSION) if g.get("viewer") else ""
    if session:
        return session
    if "visit" not in g:
        g.visit = cookies.read(cookies.VISIT) or tokens.short()
    visit: str = g.visit
    return visit


def word() -> str:
    return tokens.derive(here().key, "form", seed())


def form_word() -> Markup:
    """The hidden field for a form."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, word())


def check() -> None:
    """Raises Problem for a form that did not come from our own page."""
    if request.method in SAFE:
        return
    foreign = request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none")
    if foreign or not tokens.same(request.form.get(FIELD, ""), word()):
        raise Problem("form.stale")


def keep_visit(response: Response) -> Response:
    """Set the visit's cookie if a form on this page relies on it."""
    if "visit" in g and not g.get("visit_done") and not cookies.read(cookies.VISIT):
        cookies.write(response, cookies.VISIT, g.visit, None)
    return response
