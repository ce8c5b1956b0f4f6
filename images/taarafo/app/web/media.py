"""Photos: given out only after the same audience check as their post."""

from __future__ import annotations

from flask import Blueprint, Response, abort, send_file

from .. import photos, posts
from .context import db, here, viewer

pages = Blueprint("media", __name__)


@pages.get("/media/<photo_id>/<size>.jpg")
def photo(photo_id: str, size: str) -> Response:
    found = photos.find(db(), photo_id) if size in photos.SIZES else None
    if found is None or not _may_see(found):
        abort(404)
    file = photos.file_of(here().settings.media, found.id, size)
    if not file.exists():
        abort(404)
    answer = send_file(file, mimetype="image/jpeg", conditional=True, etag=found.id + size)
    answer.headers["Cache-Control"] = "private, max-age=86400, immutable"
    return answer


def _may_see(found: photos.Photo) -> bool:
    person = viewer()
    if found.post_id is None:
        return person is not None and person.is_active and person.id == found.author_id
    return posts.find(db(), person, found.post_id) is not None
