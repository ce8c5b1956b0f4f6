"""Sharing: the words and photos of a form become a post, or the form comes back complete."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from flask import request
from werkzeug.datastructures import FileStorage

from .. import darkroom, photos, posts
from ..darkroom import Full, Unreadable
from ..database import transaction
from ..intake import Intake
from ..members import Member
from ..problems import NoRoom, Problem
from ..quota import OverQuota, read_quota
from . import forms
from .context import db, here, now

LONGEST_WORDS = 300


@dataclass
class Draft:
    """What the form shows: empty at first, and all that was typed after a problem."""

    text: str = ""
    words: str = ""
    audience: str = "community"
    photos: list[photos.Photo] = field(default_factory=list)
    problem: Problem | None = None


def audiences() -> list[str]:
    """The audiences that exist here; the default comes first."""
    return ["community", "me", *(["everyone"] if here().config.is_public else [])]


def read_draft(author: Member) -> Draft:
    """The form as it was sent. Readable photos wait for the post; `problem` names the rest."""
    waiting = request.form.getlist("photo")[: photos.MOST]
    draft = Draft(
        text=request.form.get("text", ""),
        words=request.form.get("words", ""),
        audience=request.form.get("audience", "community"),
    )
    chosen = [file for file in request.files.getlist("photos") if file.filename]
    try:
        if len(waiting) + len(chosen) > photos.MOST:
            raise Problem("photo.many", field="photos", most=photos.MOST)
        waiting += _develop(author, chosen, draft)
    except Problem as problem:
        draft.problem = problem
    draft.photos = photos.list_waiting(db(), author.id, waiting)
    return draft


def _develop(author: Member, chosen: list[FileStorage], draft: Draft) -> list[str]:
    """Ids of the photos that could be read. A photo that could not is named, the others stay."""
    ready: list[str] = []
    unreadable: list[str] = []
    for file in chosen:
        try:
            ready.append(_keep(author, cast(Intake, file.stream)))
        except Unreadable:
            unreadable.append(file.filename or "")
        except Full:
            draft.problem = NoRoom("photo.full", field="photos")
            return ready
        except OverQuota:
            draft.problem = NoRoom("photo.quota", field="photos")
            return ready
    if unreadable:
        draft.problem = Problem("photo.unreadable", field="photos", names=", ".join(unreadable))
    return ready


def _keep(author: Member, upload: Intake) -> str:
    settings = here().settings
    read_quota(db(), settings).refuse_beyond(1)
    done = darkroom.develop(upload, settings.media, settings.reserve_mb)
    try:
        with transaction(db()):  # two photos at once never fit into the room of one
            read_quota(db(), settings).refuse_beyond(done.length)
            photos.keep(db(), author.id, done.id, size=done.size, length=done.length, now=now())
    except BaseException:  # she may have deleted herself meanwhile: no file without a row
        photos.remove_files(settings.media, [done.id])
        raise
    return done.id


def share(author: Member, draft: Draft) -> int:
    """The new post's id. Raises Problem if the form has to come back."""
    if draft.problem is not None:
        raise draft.problem
    text = forms.text("text", posts.LONGEST)
    words = forms.text("words", LONGEST_WORDS)
    if draft.audience not in audiences():
        raise Problem("post.audience", field="audience")
    if not text and not draft.photos:
        raise Problem("post.empty", field="text")
    with transaction(db()):
        post_id = posts.add(db(), author, text, draft.audience, now())
        photos.attach(db(), author.id, [photo.id for photo in draft.photos], post_id, words)
    return post_id
