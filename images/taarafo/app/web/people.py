"""The members, each with what she shared; an owner may look after them here."""

from __future__ import annotations

from flask import Blueprint, abort, render_template

from .. import members, posts
from ..members import Member
from . import forms
from .context import db, member

pages = Blueprint("people", __name__)


@pages.get("/members")
def everybody() -> str:
    absent = members.list_in(db(), "suspended", "removed") if member().is_owner else []
    return render_template("people.html", people=members.list_in(db(), "active"), absent=absent)


@pages.get("/members/<int:member_id>")
def person(member_id: int) -> str:
    return render_person(member_id)


def get_person(member_id: int) -> Member:
    """A member this viewer may look up; those who do not take part only by an owner."""
    found = members.find(db(), member_id)
    if found is None or (not found.is_active and not member().is_owner):
        abort(404)
    return found


def render_person(member_id: int) -> str:
    found = get_person(member_id)
    page = posts.list_feed(db(), member(), before=forms.number("before"), by=found.id)
    shown = page[: posts.PAGE]
    earlier = shown[-1].id if len(page) > posts.PAGE else 0
    return render_template("person.html", person=found, posts=shown, earlier=earlier)
