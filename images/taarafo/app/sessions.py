"""Signed-in browsers, and one-time links that sign one in."""

from __future__ import annotations

import sqlite3

from . import members, tokens
from .members import Member

LASTS = 180 * 86400
TOUCH = 86400  # a visit is noted once a day, not on every page


def start(db: sqlite3.Connection, member_id: int, now: int) -> str:
    """A new session; only its digest is kept."""
    token = tokens.mint()
    db.execute("DELETE FROM session WHERE seen_at < ?", (now - LASTS,))
    db.execute(
        "INSERT INTO session (digest, member_id, seen_at) VALUES (?, ?, ?)",
        (tokens.digest(token), member_id, now),
    )
    return token


def find_member(db: sqlite3.Connection, token: str, now: int) -> Member | None:
    """Who this session belongs to, or None if it ended."""
    row = db.execute(
        "SELECT member_id, seen_at FROM session WHERE digest = ? AND seen_at >= ?",
        (tokens.digest(token), now - LASTS),
    ).fetchone()
    if row is None:
        return None
    if row["seen_at"] < now - TOUCH:
        _touch(db, tokens.digest(token), now)
    return members.find(db, row["member_id"])


def _touch(db: sqlite3.Connection, digest: str, now: int) -> None:
    try:
        db.execute("UPDATE session SET seen_at = ? WHERE digest = ?", (now, digest))
    except sqlite3.OperationalError:
        return  # reading goes on when the disk is full; tomorrow's visit notes it


def end(db: sqlite3.Connection, token: str) -> None:
    db.execute("DELETE FROM session WHERE digest = ?", (tokens.digest(token),))


def end_others(db: sqlite3.Connection, member_id: int, token: str) -> None:
    """Sign a member out everywhere but here."""
    db.execute(
        "DELETE FROM session WHERE member_id = ? AND digest != ?",
        (member_id, tokens.digest(token)),
    )


def offer(db: sqlite3.Connection, member_id: int, digest: str, expires_at: int) -> None:
    """Keep a one-time link's digest; it replaces the member's earlier ones."""
    db.execute("DELETE FROM welcome WHERE member_id = ?", (member_id,))
    db.execute(
        "INSERT INTO welcome (digest, member_id, expires_at) VALUES (?, ?, ?)",
        (digest, member_id, expires_at),
    )


def find_offer(db: sqlite3.Connection, token: str, now: int) -> Member | None:
    """Whom a one-time link would sign in; looking does not use it up."""
    row = db.execute(
        "SELECT member_id FROM welcome WHERE digest = ? AND expires_at > ?",
        (tokens.digest(token), now),
    ).fetchone()
    return members.find(db, row["member_id"]) if row else None


def take_offer(db: sqlite3.Connection, token: str, now: int) -> int | None:
    """Use a one-time link up: of two who try at once, one gets the member's id."""
    row = db.execute(
        "DELETE FROM welcome WHERE digest = ? AND expires_at > ? RETURNING member_id",
        (tokens.digest(token), now),
    ).fetchone()
    return int(row["member_id"]) if row else None
