"""The feed: newest first, no ranking; sharing, commenting and taking back."""

from __future__ import annotations

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from .. import farewell, members, posts
from ..members import Member
from ..problems import Problem
from . import compose, forms
from .about import owner_names
from .compose import Draft
from .context import db, here, member, now, viewer

pages = Blueprint("feed", __name__)


@pages.get("/")
def home() -> Answer | str:
    """The feed for members, the front for guests, and for the rest where they stand."""
    person = viewer()
    if person is None:
        return _front()
    if not person.is_active:
        return render_template("standing.html", person=person, owners=owner_names())
    if not person.has_password:
        return redirect(url_for("me.first_password"), 303)
    return _feed(Draft())


def _front() -> Answer | str:
    config = here().config
    if config.is_hidden:  # a browser that a member has used: the gate let nobody else come here
        return redirect(url_for("entering.sign_in"), 303)
    shown = _page_of_posts(None) if config.is_public else {"posts": [], "earlier": 0}
    return render_template("front.html", owners=owner_names(), **shown)


def _page_of_posts(person: Member | None) -> dict[str, object]:
    found = posts.list_feed(db(), person, before=forms.number("before"))
    shown = found[: posts.PAGE]
    return {"posts": shown, "earlier": shown[-1].id if len(found) > posts.PAGE else 0}


def _feed(draft: Draft) -> str:
    alone = len(members.list_in(db(), "active")) == 1
    waiting = len(members.list_in(db(), "waiting")) if member().is_owner else 0
    return render_template(
        "feed.html",
        draft=draft,
        audiences=compose.audiences(),
        alone=alone,
        waiting=waiting,
        **_page_of_posts(member()),
    )


@pages.post("/posts")
def share() -> Answer:
    here().limits.count(f"post {member().id}", most=60, seconds=3600, now=now())
    draft = compose.read_draft(member())
    try:
        compose.share(member(), draft)
    except Problem as problem:
        draft.problem = problem
        return make_response(_feed(draft), problem.status)
    return redirect(url_for("feed.home"), 303)


@pages.get("/posts/<int:post_id>")
def show(post_id: int) -> str:
    return _post_page(_post(post_id), None)


def _post(post_id: int) -> posts.Post:
    return posts.find(db(), viewer(), post_id) or abort(404)


def _post_page(post: posts.Post, problem: Problem | None) -> str:
    return render_template("post.html", post=post, problem=problem)


@pages.post("/posts/<int:post_id>/comments")
def comment(post_id: int) -> Answer:
    here().limits.count(f"comment {member().id}", most=240, seconds=3600, now=now())
    post = _post(post_id)
    try:
        text = forms.text("text", posts.LONGEST_COMMENT)
        if not text:
            raise Problem("comment.empty", field="text")
    except Problem as problem:
        return make_response(_post_page(post, problem), problem.status)
    new_id = posts.add_comment(db(), member(), post.id, text, now())
    return redirect(url_for("feed.show", post_id=post.id, _anchor=f"comment-{new_id}"), 303)


@pages.post("/posts/<int:post_id>/delete")
def delete(post_id: int) -> Answer:
    post = _post(post_id)
    if not posts.may_delete(member(), post):
        abort(404)
    farewell.delete_post(db(), here().settings, post)
    return redirect(url_for("feed.home"), 303)


@pages.post("/comments/<int:comment_id>/delete")
def delete_comment(comment_id: int) -> Answer:
    found = posts.find_comment(db(), member(), comment_id)
    if found is None or not posts.may_delete(member(), found):
        abort(404)
    farewell.delete_comment(db(), here().settings, found.id)
    return redirect(url_for("feed.show", post_id=found.post_id), 303)


@pages.app_template_global()
def may_delete(thing: posts.Post | posts.Comment) -> bool:
    person = viewer()
    return person is not None and person.is_active and posts.may_delete(person, thing)


@pages.app_template_global()
def typed(field: str) -> str:
    """What was typed in a form that comes back."""
    return request.form.get(field, "")
