"""Photos: their rows, their files, and who may look at them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from . import tokens

SIZES = {"small": 960, "large": 2048}
MOST = 10  # photos in one post
FORGOTTEN_AFTER = 86400  # a photo chosen but never shared is kept this long


@dataclass(frozen=True)
class Photo:
    id: str
    author_id: int
    post_id: int | None  # None: chosen, its post is not shared yet
    width: int
    height: int
    words: str


COLUMNS = "id, author_id, post_id, width, height, words"


def file_of(media: Path, photo_id: str, size: str) -> Path:
    return media / f"{photo_id}.{size}.jpg"


def keep(
    db: sqlite3.Connection,
    author_id: int,
    photo_id: str,
    *,
    size: tuple[int, int],
    length: int,
    now: int,
) -> None:
    """Note a finished photo that waits for its post."""
    db.execute(
        "INSERT INTO photo (id, author_id, position, width, height, bytes, made_at)"
        " VALUES (?, ?, 0, ?, ?, ?, ?)",
        (photo_id, author_id, *size, length, now),
    )


def attach(db: sqlite3.Connection, author_id: int, ids: list[str], post_id: int, words: str) -> int:
    """Put her waiting photos into a post, in this order; how many there were."""
    count = 0
    for position, photo_id in enumerate(ids):
        count += db.execute(
            "UPDATE photo SET post_id = ?, position = ?, words = ?"
            " WHERE id = ? AND author_id = ? AND post_id IS NULL",
            (post_id, position, words, photo_id, author_id),
        ).rowcount
    return count


def list_waiting(db: sqlite3.Connection, author_id: int, ids: list[str]) -> list[Photo]:
    """Of these ids, the photos that are hers and not shared yet, in the given order."""
    marks = ",".join("?" * len(ids))
    rows = db.execute(
        f"SELECT {COLUMNS} FROM photo WHERE author_id = ? AND post_id IS NULL AND id IN ({marks})",  # noqa: S608
        (author_id, *ids),
    )
    return sorted((Photo(**dict(row)) for row in rows), key=lambda photo: ids.index(photo.id))


def find(db: sqlite3.Connection, photo_id: str) -> Photo | None:
    row = db.execute(f"SELECT {COLUMNS} FROM photo WHERE id = ?", (photo_id,)).fetchone()  # noqa: S608
    return Photo(**dict(row)) if row else None


def list_of_posts(db: sqlite3.Connection, post_ids: list[int]) -> list[Photo]:
    marks = ",".join("?" * len(post_ids))
    rows = db.execute(
        f"SELECT {COLUMNS} FROM photo WHERE post_id IN ({marks}) ORDER BY post_id, position",  # noqa: S608
        post_ids,
    )
    return [Photo(**dict(row)) for row in rows]


def list_of_member(db: sqlite3.Connection, member_id: int) -> list[Photo]:
    rows = db.execute(
        f"SELECT {COLUMNS} FROM photo WHERE author_id = ? ORDER BY made_at",  # noqa: S608
        (member_id,),
    )
    return [Photo(**dict(row)) for row in rows]


def remove_files(media: Path, ids: Iterable[str]) -> None:
    """Take the bytes away, every size; a file already gone is fine."""
    for photo_id in ids:
        for size in SIZES:
            file_of(media, photo_id, size).unlink(missing_ok=True)


def sweep(db: sqlite3.Connection, media: Path, now: int, begun: float) -> None:
    """Remove what nobody shared, and files that an earlier process left without a row.

    `begun` is when this process started: what is older and has no row belongs to nobody.
    """
    db.execute("DELETE FROM photo WHERE post_id IS NULL AND made_at < ?", (now - FORGOTTEN_AFTER,))
    known = {row["id"] for row in db.execute("SELECT id FROM photo")}
    for file in media.iterdir():
        if file.name.split(".")[0] not in known and file.stat().st_mtime < begun:
            file.unlink(missing_ok=True)


def new_id() -> str:
    return tokens.short()
