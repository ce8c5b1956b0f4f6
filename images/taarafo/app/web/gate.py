"""Who may open which page. Everything not named here is for active members alone."""

from __future__ import annotations

from collections.abc import Callable

from flask import abort, g, request

from .. import invitations, sessions
from . import cookies, door
from .context import db, here, now, viewer

MOST_OF_A_STRANGER = 64 * 1024  # bytes: as much as the edge holds back (images/edge/Caddyfile)
# What says nothing about this community.
PLAIN = {"static", "about.health"}
# Links that carry their own proof: looking at one does not use it up.
PROOFS: dict[str, Callable[[str], object]] = {
    "entering.welcome": lambda token: sessions.find_offer(db(), token, now()),
    "entering.invited": lambda token: invitations.find(db(), token, now()),
    "entering.door": door.opens,
}
# A community that is not hidden shows its front, its rules and its way in.
FRONT = {
    "feed.home",
    "entering.join",
    "entering.sign_in",
    "about.rules",
    "about.what_runs_here",
    "about.robots",
}
# What is marked for everyone; each page asks for the audience itself.
PUBLIC = {"feed.show", "media.photo"}
# A member who may not take part still leaves whole.
ALWAYS = {
    "feed.home",
    "about.rules",
    "about.what_runs_here",
    "about.robots",
    "me.home",
    "me.download",
    "me.leave",
    "me.change_password",
    "me.sign_out",
    "me.sign_out_elsewhere",
    "entering.join",
    "entering.sign_in",
}


def identify() -> None:
    """Note who is asking, then refuse what is not for her: nothing here, to a stranger."""
    token = cookies.read(cookies.SESSION)
    g.viewer = sessions.find_member(db(), token, now()) if token else None
    endpoint = request.endpoint if request.endpoint and request.method != "OPTIONS" else ""
    if not (_is_open(endpoint) if g.viewer is None else _is_for_member(endpoint)):
        abort(404)
    if g.viewer is None and is_long():
        abort(413)


def is_long() -> bool:
    """Whether more is sent than a stranger's form ever has.

    The edge holds back what is shorter until it is all there. What is longer comes as slowly as
    its sender likes, and would keep one of our few threads for as long.
    """
    length = request.content_length
    if length is None:
        return "Transfer-Encoding" in request.headers
    return length > MOST_OF_A_STRANGER


def _is_open(endpoint: str) -> bool:
    if endpoint in PLAIN:
        return True
    if endpoint in PROOFS:
        return bool(PROOFS[endpoint](str((request.view_args or {})["token"])))
    config = here().config
    if config.is_hidden:
        return endpoint in {"feed.home", "entering.sign_in"} and door.is_known()
    return endpoint in FRONT or (config.is_public and endpoint in PUBLIC)


def _is_for_member(endpoint: str) -> bool:
    person = viewer()
    if person is None or endpoint in PLAIN | PROOFS.keys() | ALWAYS:
        return True
    if endpoint.startswith("owner."):
        return person.is_owner
    return person.is_active
