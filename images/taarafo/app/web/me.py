"""A member's own page: password, way in, download, delete. It works in every state."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from .. import archive, farewell, members, passwords, sessions
from ..database import transaction
from ..members import Member
from ..problems import Problem
from . import cookies, forms, qr
from .context import db, door_key, here, member, now

pages = Blueprint("me", __name__)


@pages.get("/me")
def home() -> str:
    return _home(None)


def _home(problem: Problem | None, done: str = "") -> str:
    link = here().config.community.url + url_for("entering.door", token=door_key(member()))
    return render_template("me.html", link=link, code=qr.draw(link), problem=problem, done=done)


# -- the password ----------------------------------------------------------------------------


@pages.route("/me/first-password", methods=["GET", "POST"])
def first_password() -> Answer | str:
    """Right after the one-time link: a password for next time."""
    if request.method == "POST" and not member().has_password:
        try:
            _set_password(member())
        except Problem as problem:
            page = render_template("first_password.html", problem=problem)
            return make_response(page, problem.status)
    if request.method == "POST" or member().has_password:
        return redirect(url_for("feed.home"), 303)
    return render_template("first_password.html", problem=None)


@pages.post("/me/password")
def change_password() -> Answer | str:
    here().limits.count(f"password {member().id}", most=10, seconds=900, now=now())
    try:
        _check_old_password(member())
        _set_password(member())
    except Problem as problem:
        return make_response(_home(problem), problem.status)
    return _home(None, done="me.password.changed")


def _check_old_password(person: Member) -> None:
    _, kept = members.find_with_password(db(), person.name)
    if kept and not passwords.matches(kept, request.form.get("old", "")):
        raise Problem("me.password.wrong", field="old")


def _set_password(person: Member) -> None:
    """The new password ends every other session: whoever knew the old one is out."""
    kept = forms.new_password(person.name)
    with transaction(db()):
        members.set_password(db(), person.id, kept)
        sessions.end_others(db(), person.id, cookies.read(cookies.SESSION))


# -- leaving a browser -----------------------------------------------------------------------


@pages.post("/sign-out")
def sign_out() -> Answer:
    answer = make_response(redirect(url_for("feed.home"), 303))
    sessions.end(db(), cookies.read(cookies.SESSION))
    cookies.clear(answer, cookies.SESSION)
    if not forms.ticked("mine"):
        cookies.clear(answer, cookies.DOOR)
    return answer


@pages.post("/sign-out-elsewhere")
def sign_out_elsewhere() -> str:
    sessions.end_others(db(), member().id, cookies.read(cookies.SESSION))
    return _home(None, done="me.elsewhere.done")


# -- leaving whole ---------------------------------------------------------------------------


@pages.get("/me/download")
def download() -> Response:
    """Everything of hers as one file, made while it is sent."""

    def readable(**facts: object) -> str:
        return render_template("archive.html", now=now(), **facts)

    settings = here().settings
    contents, own = archive.describe(db(), here().config, member(), readable)
    answer = Response(archive.pack(contents, settings.media, own), mimetype="application/zip")
    answer.headers["Content-Disposition"] = 'attachment; filename="everything.zip"'
    return answer


@pages.route("/me/delete", methods=["GET", "POST"])
def leave() -> Answer | str:
    """One screen, nobody's permission. Only a lone owner with members says first who follows."""
    person = member()
    heirs = _heirs(person)
    if request.method == "GET":
        return _leave_page(person, heirs, None)
    try:
        heir = _chosen_heir(heirs)
        if not forms.ticked("sure"):
            raise Problem("leave.sure", field="sure")
        if heir and not members.make_owner(db(), heir.id):
            raise Problem("leave.no_heir", field="heir")
    except Problem as problem:
        return make_response(_leave_page(person, heirs, problem), problem.status)
    receipt = farewell.delete_member(db(), here().settings, person, now())
    answer = make_response(render_template("receipt.html", receipt=receipt))
    cookies.clear(answer, cookies.SESSION)
    cookies.clear(answer, cookies.DOOR)
    return answer


def _heirs(person: Member) -> list[Member]:
    """Who could follow her; empty when nobody has to."""
    if not members.is_only_owner(db(), person):
        return []
    return [other for other in members.list_in(db(), "active") if other.id != person.id]


def _chosen_heir(heirs: list[Member]) -> Member | None:
    """Who follows her; None when nobody has to. Raises Problem if she has not said who."""
    chosen = request.form.get("heir", "")
    heir = next((person for person in heirs if str(person.id) == chosen), None)
    if heirs and heir is None:
        raise Problem("leave.no_heir", field="heir")
    return heir


def _leave_page(person: Member, heirs: list[Member], problem: Problem | None) -> str:
    alone = members.is_only_owner(db(), person) and not heirs
    counts = farewell.count(db(), person.id)
    return render_template("leave.html", heirs=heirs, alone=alone, counts=counts, problem=problem)
