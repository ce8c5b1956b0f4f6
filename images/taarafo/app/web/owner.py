"""The owner's pages: requests, invitations, members who need looking after."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from .. import invitations, members, sessions, tokens
from ..database import forget_deleted, transaction
from ..invitations import Invitation
from ..quota import read_quota
from . import forms, qr
from .context import db, here, now
from .people import get_person

pages = Blueprint("owner", __name__)
LONGEST_LABEL = 60
LINK_LASTS = 3 * 86400


@pages.get("/owner")
def home() -> str:
    return render_template(
        "owner.html",
        requests=members.list_in(db(), "waiting"),
        invitations=invitations.list_open(db(), now()),
        quota=read_quota(db(), here().settings),
    )


# -- invitations -----------------------------------------------------------------------------


@pages.post("/owner/invitations")
def invite() -> Answer:
    uses = 1 if request.form.get("for") == "one" else None
    label = forms.text("label", LONGEST_LABEL)
    made = invitations.make(db(), here().key, label=label, uses=uses, now=now())
    return redirect(url_for("owner.invitation", invitation_id=made.id), 303)


@pages.get("/owner/invitations/<int:invitation_id>")
def invitation(invitation_id: int) -> str:
    found = invitations.find_by_id(db(), invitation_id, now()) or abort(404)
    link = _link(found)
    if not link:
        abort(404)
    return render_template("invitation.html", invitation=found, link=link, code=qr.draw(link))


def _link(found: Invitation) -> str:
    token = found.token(here().key)
    return here().config.community.url + url_for("entering.invited", token=token) if token else ""


@pages.post("/owner/invitations/<int:invitation_id>/end")
def end_invitation(invitation_id: int) -> Answer:
    invitations.end(db(), invitation_id)
    return redirect(url_for("owner.home"), 303)


# -- requests --------------------------------------------------------------------------------


@pages.post("/owner/requests/<int:member_id>/accept")
def accept(member_id: int) -> Answer:
    members.change_state(db(), member_id, ("waiting",), "active")
    members.forget_note(db(), member_id)
    return redirect(url_for("owner.home"), 303)


@pages.post("/owner/requests/<int:member_id>/refuse")
def refuse(member_id: int) -> Answer:
    """Nothing is kept of somebody who was never a member."""
    members.forget_request(db(), member_id)
    forget_deleted(db())
    return redirect(url_for("owner.home"), 303)


# -- looking after members -------------------------------------------------------------------

CHANGES = {
    "suspend": (("active",), "suspended"),
    "bring-back": (("suspended", "removed"), "active"),
    "remove": (("active", "suspended"), "removed"),
}


@pages.post("/members/<int:member_id>/<change>")
def change(member_id: int, change: str) -> Answer:
    """She keeps her sign-in, her download and her delete button whatever happens here."""
    if change not in CHANGES:
        abort(404)
    before, after = CHANGES[change]
    members.change_state(db(), get_person(member_id).id, before, after)
    return redirect(url_for("people.person", member_id=member_id), 303)


@pages.post("/members/<int:member_id>/make-owner")
def make_owner(member_id: int) -> Answer:
    members.make_owner(db(), get_person(member_id).id)
    return redirect(url_for("people.person", member_id=member_id), 303)


@pages.post("/members/<int:member_id>/sign-in-link")
def sign_in_link(member_id: int) -> str:
    """For somebody who forgot her password: shown once, works once."""
    person = get_person(member_id)
    token = tokens.mint()
    with transaction(db()):
        sessions.offer(db(), person.id, tokens.digest(token), now() + LINK_LASTS)
    link = here().config.community.url + url_for("entering.welcome", token=token)
    return render_template("sign_in_link.html", person=person, link=link, code=qr.draw(link))
