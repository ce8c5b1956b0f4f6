"""Coming in: the one-time link, the password, an invitation, or asking."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from .. import invitations, members, names, passwords, sessions
from ..database import transaction
from ..members import Member
from ..problems import Problem
from . import cookies, forms
from .about import owner_names
from .context import db, here, now, viewer

pages = Blueprint("entering", __name__)
LONGEST_NOTE = 500
QUARTER, HOUR = 900, 3600


def _count(what: str, most: int, seconds: int = QUARTER) -> None:
    here().limits.count(f"{what} {forms.visitor()}", most=most, seconds=seconds, now=now())


def _home() -> Response:
    return make_response(redirect(url_for("feed.home"), 303))


# -- the one-time link -----------------------------------------------------------------------


@pages.route("/welcome/<token>", methods=["GET", "POST"])
def welcome(token: str) -> Answer | str:
    """Looking does not use the link up: a messenger's preview looks too. The button does."""
    _count("welcome", most=60)
    if request.method == "GET":
        person = sessions.find_offer(db(), token, now())
        return render_template("welcome.html", person=person) if person else _home()
    with transaction(db()):
        person_id = sessions.take_offer(db(), token, now())
    person = members.find(db(), person_id) if person_id else None
    if person is None:
        return _home()
    where = "feed.home" if person.has_password else "me.first_password"
    return cookies.sign_in(make_response(redirect(url_for(where), 303)), person)


# -- the password ----------------------------------------------------------------------------


@pages.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> Answer | str:
    return _sign_in()


@pages.route("/sign-in/<token>", methods=["GET", "POST"])
def door(token: str) -> Answer | str:
    """The same page at an address that only members and guests hold; the gate has checked it."""
    return _sign_in()


def _sign_in() -> Answer | str:
    if viewer() is not None:
        return _home()
    if request.method == "GET":
        return render_template("sign_in.html", problem=None)
    try:
        return cookies.sign_in(_home(), _recognise())
    except Problem as problem:
        return make_response(render_template("sign_in.html", problem=problem), problem.status)


def _recognise() -> Member:
    """The member of this name and password. One sentence for every way of being wrong."""
    name = request.form.get("name", "")
    key = f"sign-in {names.key(name)}"
    _count("sign-in", most=40)
    _count(key, most=8)
    here().limits.count(key, most=100, seconds=HOUR, now=now())
    person, kept = members.find_with_password(db(), name)
    right = passwords.matches(kept, request.form.get("password", ""))
    if person is None or not right:
        raise Problem("sign_in.wrong", field="password")
    here().limits.forgive(f"{key} {forms.visitor()}")
    return person


# -- joining ---------------------------------------------------------------------------------


@pages.route("/join/<token>", methods=["GET", "POST"])
def invited(token: str) -> Answer | str:
    return _join(token)


@pages.route("/join", methods=["GET", "POST"])
def join() -> Answer | str:
    """Without an invitation: the promise decides."""
    return _join("")


def _join(token: str) -> Answer | str:
    if viewer() is not None:
        return _home()
    if not token and here().config.promises.membership == "invite":
        return render_template("join_by_invitation.html")
    if request.method == "GET":
        return _join_page(token, None)
    try:
        person = _add_member(token)
    except Problem as problem:
        return make_response(_join_page(token, problem), problem.status)
    return cookies.sign_in(_home(), person)


def _join_page(token: str, problem: Problem | None) -> str:
    asks = here().config.promises.membership == "ask"
    return render_template(
        "join.html", token=token, problem=problem, asks=asks, owners=owner_names()
    )


def _add_member(token: str) -> Member:
    """A new member, or somebody who waits for an owner's yes."""
    _count("join", most=30, seconds=HOUR)
    name = forms.name()
    note = forms.text("note", LONGEST_NOTE)
    if not forms.ticked("agreed"):
        raise Problem("join.agree", field="agreed")
    password = forms.new_password(name)
    state = "waiting" if here().config.promises.membership == "ask" else "active"
    with transaction(db()):
        if token and not invitations.use(db(), token, now()):
            raise Problem("join.taken")
        new_id = members.add(
            db(),
            name,
            now=now(),
            password=password,
            state=state,
            note=note if state == "waiting" else "",
        )
    person = members.find(db(), new_id)
    if person is None:
        raise LookupError("a member just made is gone")
    return person
