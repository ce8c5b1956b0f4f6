"""Download everything: a member's own words and photos as a ZIP that is made while it is sent."""

from __future__ import annotations

import io
import json
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from . import photos, posts
from .config import Config
from .members import Member

CONTEXT = "https://www.w3.org/ns/activitystreams"


class _Outlet(io.RawIOBase):
    """Collects what the ZIP writer writes until it is sent on; cannot be rewound."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, chunk: object) -> int:
        part = bytes(chunk)  # type: ignore[call-overload]
        self._parts.append(part)
        return len(part)

    def take(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def pack(contents: dict[str, str], media: Path, own_photos: list[photos.Photo]) -> Iterator[bytes]:
    """The ZIP's bytes, one entry at a time: needs no room on the disk."""
    outlet = _Outlet()
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in contents.items():
            archive.writestr(name, text)
            yield outlet.take()
        for photo in own_photos:
            file = photos.file_of(media, photo.id, "large")
            if file.exists():
                archive.write(file, f"media/{photo.id}.jpg", zipfile.ZIP_STORED)
                yield outlet.take()
    yield outlet.take()


def describe(
    db: sqlite3.Connection, config: Config, member: Member, readable: Callable[..., str]
) -> tuple[dict[str, str], list[photos.Photo]]:
    """The text entries by name, and the photos. `readable` renders the HTML page."""
    own_posts = _own_posts(db, member)
    own_photos = photos.list_of_member(db, member.id)
    own_comments = db.execute(
        "SELECT id, post_id, text, made_at FROM comment WHERE author_id = ? ORDER BY id",
        (member.id,),
    ).fetchall()
    base = config.community.url
    activities = [_note(base, member, post) for post in own_posts]
    activities += [_reply(base, member, dict(row)) for row in own_comments]
    contents = {
        "index.html": readable(posts=own_posts, comments=own_comments),
        "actor.json": _json(_actor(base, member)),
        "outbox.json": _json(
            {
                "@context": CONTEXT,
                "type": "OrderedCollection",
                "totalItems": len(activities),
                "orderedItems": [_create(activity) for activity in activities],
            }
        ),
    }
    return contents, own_photos


def _own_posts(db: sqlite3.Connection, member: Member) -> list[posts.Post]:
    """Read straight from her rows: it must work while she is suspended or removed."""
    rows = db.execute(f"{posts.POSTS} WHERE author_id = ? ORDER BY post.id DESC", (member.id,))
    own = {row["id"]: posts.Post(**dict(row)) for row in rows}
    for photo in photos.list_of_member(db, member.id):
        if photo.post_id in own:
            own[photo.post_id].photos.append(photo)
    return list(own.values())


def _json(thing: dict[str, object]) -> str:
    return json.dumps(thing, ensure_ascii=False, indent=2) + "\n"


def _actor(base: str, member: Member) -> dict[str, object]:
    return {
        "@context": CONTEXT,
        "type": "Person",
        "id": f"{base}/members/{member.id}",
        "name": member.name,
        "published": _time(member.joined_at),
        "outbox": "outbox.json",
    }


def _note(base: str, member: Member, post: posts.Post) -> dict[str, object]:
    return {
        "type": "Note",
        "id": f"{base}/posts/{post.id}",
        "attributedTo": f"{base}/members/{member.id}",
        "content": post.text,
        "mediaType": "text/plain",
        "published": _time(post.made_at),
        "to": _audience(base, post.audience),
        "attachment": [_image(photo) for photo in post.photos],
    }


def _reply(base: str, member: Member, row: dict[str, object]) -> dict[str, object]:
    return {
        "type": "Note",
        "id": f"{base}/posts/{row['post_id']}#comment-{row['id']}",
        "inReplyTo": f"{base}/posts/{row['post_id']}",
        "attributedTo": f"{base}/members/{member.id}",
        "content": row["text"],
        "mediaType": "text/plain",
        "published": _time(int(str(row["made_at"]))),
        "to": _audience(base, "community"),
    }


def _create(note: dict[str, object]) -> dict[str, object]:
    return {
        "type": "Create",
        "actor": note["attributedTo"],
        "published": note["published"],
        "to": note["to"],
        "object": note,
    }


def _image(photo: photos.Photo) -> dict[str, object]:
    return {
        "type": "Image",
        "mediaType": "image/jpeg",
        "url": f"media/{photo.id}.jpg",
        "name": photo.words,
        "width": photo.width,
        "height": photo.height,
    }


def _audience(base: str, audience: str) -> list[str]:
    if audience == "everyone":
        return [f"{CONTEXT}#Public"]
    return [f"{base}/members"] if audience == "community" else []


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
