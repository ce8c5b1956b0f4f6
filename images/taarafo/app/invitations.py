"""Invitations: links that let somebody in, shown again from the secret, never stored."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from . import tokens

LASTS = 14 * 86400
FOUNDING_LASTS = 30 * 86400


@dataclass(frozen=True)
class Invitation:
    id: int
    salt: str  # empty: made with the community, its link is not known here
    label: str
    uses_left: int | None  # None: for several people
    joined: int
    expires_at: int

    def token(self, key: bytes) -> str:
        """The link's token, or empty if only its digest reached us."""
        return tokens.derive(key, "invitation", self.salt) if self.salt else ""


COLUMNS = "id, salt, label, uses_left, joined, expires_at"
IS_OPEN = "expires_at > ? AND (uses_left IS NULL OR uses_left > 0)"


def make(
    db: sqlite3.Connection, key: bytes, *, label: str, uses: int | None, now: int
) -> Invitation:
    salt = tokens.short()
    digest = tokens.digest(tokens.derive(key, "invitation", salt))
    row = db.execute(
        "INSERT INTO invitation (digest, salt, label, uses_left, made_at, expires_at)"  # noqa: S608
        f" VALUES (?, ?, ?, ?, ?, ?) RETURNING {COLUMNS}",
        (digest, salt, label, uses, now, now + LASTS),
    ).fetchone()
    return Invitation(**dict(row))


def keep_digest(db: sqlite3.Connection, digest: str, now: int) -> None:
    """The invitation that was made together with the community."""
    db.execute(
        "INSERT OR IGNORE INTO invitation (digest, made_at, expires_at) VALUES (?, ?, ?)",
        (digest, now, now + FOUNDING_LASTS),
    )


def find(db: sqlite3.Connection, token: str, now: int) -> Invitation | None:
    """The open invitation behind a link."""
    row = db.execute(
        f"SELECT {COLUMNS} FROM invitation WHERE digest = ? AND {IS_OPEN}",  # noqa: S608
        (tokens.digest(token), now),
    ).fetchone()
    return Invitation(**dict(row)) if row else None


def find_by_id(db: sqlite3.Connection, invitation_id: int, now: int) -> Invitation | None:
    row = db.execute(
        f"SELECT {COLUMNS} FROM invitation WHERE id = ? AND {IS_OPEN}",  # noqa: S608
        (invitation_id, now),
    ).fetchone()
    return Invitation(**dict(row)) if row else None


def list_open(db: sqlite3.Connection, now: int) -> list[Invitation]:
    query = f"SELECT {COLUMNS} FROM invitation WHERE {IS_OPEN} ORDER BY id DESC"  # noqa: S608
    return [Invitation(**dict(row)) for row in db.execute(query, (now,))]


def use(db: sqlite3.Connection, token: str, now: int) -> bool:
    """Count one person in. False if somebody else used the last place just now."""
    changed = db.execute(
        "UPDATE invitation SET joined = joined + 1, uses_left = uses_left - 1"  # noqa: S608
        f" WHERE digest = ? AND {IS_OPEN}",
        (tokens.digest(token), now),
    )
    return changed.rowcount == 1


def end(db: sqlite3.Connection, invitation_id: int) -> None:
    """The link stops working at once."""
    db.execute("DELETE FROM invitation WHERE id = ?", (invitation_id,))
