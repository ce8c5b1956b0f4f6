"""Posts and comments, and the one question that decides who sees them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from .members import Member
from .photos import Photo, list_of_posts

PAGE = 20
LONGEST = 10_000
LONGEST_COMMENT = 2_000


@dataclass(frozen=True)
class Comment:
    id: int
    post_id: int
    author_id: int
    author: str
    text: str
    made_at: int


@dataclass(frozen=True)
class Post:
    id: int
    author_id: int
    author: str
    text: str
    audience: str
    made_at: int
    photos: list[Photo] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)


# The audience check, in one place. Named parameters: :viewer (0 for a stranger), :inside (0/1).
VISIBLE = (
    "author.state != 'removed' AND (post.audience = 'everyone'"
    " OR (post.audience = 'community' AND :inside) OR (post.author_id = :viewer AND :inside))"
)
POSTS = (
    "SELECT post.id, post.author_id, author.name AS author, post.text, post.audience, post.made_at"
    " FROM post JOIN member AS author ON author.id = post.author_id"
)


def _who(viewer: Member | None) -> dict[str, object]:
    inside = viewer is not None and viewer.is_active
    return {"viewer": viewer.id if viewer else 0, "inside": int(inside)}


def list_feed(
    db: sqlite3.Connection, viewer: Member | None, *, before: int = 0, by: int = 0
) -> list[Post]:
    """One page of what this viewer may see, newest first; `before` is a post id, `by` a member."""
    rows = db.execute(
        f"{POSTS} WHERE {VISIBLE} AND (:before = 0 OR post.id < :before)"
        " AND (:by = 0 OR post.author_id = :by) ORDER BY post.id DESC LIMIT :limit",
        {**_who(viewer), "before": before, "by": by, "limit": PAGE + 1},
    ).fetchall()
    return _complete(db, rows, viewer)


def find(db: sqlite3.Connection, viewer: Member | None, post_id: int) -> Post | None:
    """A post with its comments, or None if there is none or it is not for this viewer."""
    rows = db.execute(
        f"{POSTS} WHERE {VISIBLE} AND post.id = :id", {**_who(viewer), "id": post_id}
    ).fetchall()
    return next(iter(_complete(db, rows, viewer)), None)


def _complete(db: sqlite3.Connection, rows: list[sqlite3.Row], viewer: Member | None) -> list[Post]:
    posts = {row["id"]: Post(**dict(row)) for row in rows}
    for photo in list_of_posts(db, list(posts)):
        posts[photo.post_id or 0].photos.append(photo)
    if viewer is not None and viewer.is_active:  # comments are for the community alone
        for comment in _comments(db, list(posts)):
            posts[comment.post_id].comments.append(comment)
    return list(posts.values())


def _comments(db: sqlite3.Connection, ids: list[int]) -> list[Comment]:
    marks = ",".join("?" * len(ids))
    rows = db.execute(
        "SELECT comment.id, post_id, author_id, name AS author, text, made_at"  # noqa: S608
        " FROM comment"
        " JOIN member ON member.id = author_id"
        f" WHERE member.state != 'removed' AND post_id IN ({marks}) ORDER BY comment.id",
        ids,
    )
    return [Comment(**dict(row)) for row in rows]


def add(db: sqlite3.Connection, author: Member, text: str, audience: str, now: int) -> int:
    row = db.execute(
        "INSERT INTO post (author_id, text, audience, made_at) VALUES (?, ?, ?, ?) RETURNING id",
        (author.id, text, audience, now),
    ).fetchone()
    return int(row["id"])


def add_comment(db: sqlite3.Connection, author: Member, post_id: int, text: str, now: int) -> int:
    row = db.execute(
        "INSERT INTO comment (post_id, author_id, text, made_at) VALUES (?, ?, ?, ?) RETURNING id",
        (post_id, author.id, text, now),
    ).fetchone()
    return int(row["id"])


def find_comment(db: sqlite3.Connection, viewer: Member, comment_id: int) -> Comment | None:
    """A comment on a post that this viewer may see."""
    row = db.execute("SELECT post_id FROM comment WHERE id = ?", (comment_id,)).fetchone()
    post = find(db, viewer, row["post_id"]) if row else None
    return next((c for c in post.comments if c.id == comment_id), None) if post else None


def may_delete(viewer: Member, thing: Post | Comment) -> bool:
    """Her own always; an owner answers for what the community shows."""
    return thing.author_id == viewer.id or viewer.is_owner


def delete(db: sqlite3.Connection, post_id: int) -> None:
    db.execute("DELETE FROM post WHERE id = ?", (post_id,))


def delete_comment(db: sqlite3.Connection, comment_id: int) -> None:
    db.execute("DELETE FROM comment WHERE id = ?", (comment_id,))
