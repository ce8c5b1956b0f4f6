"""Delete me: every row, file and session of one member, at once and for good."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from . import backup, photos, posts, tokens
from .database import forget_deleted, transaction
from .members import Member
from .posts import Post
from .settings import Settings

COUNTED = {
    "posts": "SELECT count(*) FROM post WHERE author_id = ?",
    "comments": "SELECT count(*) FROM comment WHERE author_id = ?",
    "photos": "SELECT count(*) FROM photo WHERE author_id = ?",
    "sessions": "SELECT count(*) FROM session WHERE member_id = ?",
}


@dataclass(frozen=True)
class Receipt:
    """What was deleted. It is shown once and kept nowhere: it would be about her."""

    number: str
    deleted_at: int
    posts: int
    comments: int
    photos: int
    sessions: int


def count(db: sqlite3.Connection, member_id: int) -> dict[str, int]:
    """How much of everything there is of a member."""
    return {name: int(db.execute(q, (member_id,)).fetchone()[0]) for name, q in COUNTED.items()}


def delete_member(db: sqlite3.Connection, settings: Settings, member: Member, now: int) -> Receipt:
    """Rows first, so that nobody can ask for a file any more; then the bytes.

    The copy for the backup goes before them: who is stopped in between has lost no copy that is
    needed, and the next start takes away files without a row and empties the log.
    """
    backup.forget_copy(settings)
    with transaction(db):
        counts = count(db, member.id)
        ids = [photo.id for photo in photos.list_of_member(db, member.id)]
        db.execute("DELETE FROM member WHERE id = ?", (member.id,))
    photos.remove_files(settings.media, ids)
    _leave_no_trace(db, settings)
    return Receipt(number=tokens.short()[:10], deleted_at=now, **counts)


def delete_post(db: sqlite3.Connection, settings: Settings, post: Post) -> None:
    """A post, its comments and its photos, row and byte."""
    with transaction(db):
        posts.delete(db, post.id)
    photos.remove_files(settings.media, [photo.id for photo in post.photos])
    _leave_no_trace(db, settings)


def delete_comment(db: sqlite3.Connection, settings: Settings, comment_id: int) -> None:
    posts.delete_comment(db, comment_id)
    _leave_no_trace(db, settings)


def _leave_no_trace(db: sqlite3.Connection, settings: Settings) -> None:
    forget_deleted(db)
    backup.forget_copy(settings)
