"""Members: who belongs, in which role and state, and the questions asked of them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from . import names, tokens
from .problems import Problem


@dataclass(frozen=True)
class Member:
    id: int
    name: str
    role: str
    state: str
    note: str
    joined_at: int
    door_salt: str
    has_password: bool

    @property
    def is_active(self) -> bool:
        return self.state == "active"

    @property
    def is_owner(self) -> bool:
        return self.role == "owner" and self.is_active

    @property
    def initial(self) -> str:
        return self.name[:1].upper()


COLUMNS = "id, name, role, state, note, joined_at, door_salt, password != '' AS has_password"


def _member(row: sqlite3.Row) -> Member:
    return Member(**{**dict(row), "has_password": bool(row["has_password"])})


def find(db: sqlite3.Connection, member_id: int) -> Member | None:
    row = db.execute(f"SELECT {COLUMNS} FROM member WHERE id = ?", (member_id,)).fetchone()  # noqa: S608
    return _member(row) if row else None


def find_with_password(db: sqlite3.Connection, name: str) -> tuple[Member | None, str]:
    """The member of that name and the kept form of the password, `(None, "")` if nobody."""
    query = f"SELECT {COLUMNS}, password FROM member WHERE name_key = ?"  # noqa: S608
    row = db.execute(query, (names.key(name),)).fetchone()
    if row is None:
        return None, ""
    values = dict(row)
    kept = str(values.pop("password"))
    return Member(**{**values, "has_password": bool(kept)}), kept


def list_in(db: sqlite3.Connection, *states: str) -> list[Member]:
    """Members in any of these states, owners first, then by name."""
    marks = ",".join("?" * len(states))
    query = (
        f"SELECT {COLUMNS} FROM member WHERE state IN ({marks})"  # noqa: S608
        " ORDER BY role = 'member', name_key"
    )
    return [_member(row) for row in db.execute(query, states)]


def list_owners(db: sqlite3.Connection) -> list[Member]:
    return [member for member in list_in(db, "active") if member.role == "owner"]


def add(
    db: sqlite3.Connection,
    name: str,
    *,
    now: int,
    password: str = "",
    role: str = "member",
    state: str = "active",
    note: str = "",
) -> int:
    """A new member's id. Raises Problem on a name that is taken. `password` is its kept form."""
    values = (name, names.key(name), password, role, state, note, tokens.short(), now)
    try:
        row = db.execute(
            "INSERT INTO member (name, name_key, password, role, state, note, door_salt, joined_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            values,
        ).fetchone()
    except sqlite3.IntegrityError as error:
        raise Problem("name.taken", field="name", name=name) from error
    return int(row["id"])


def set_password(db: sqlite3.Connection, member_id: int, kept: str) -> None:
    db.execute("UPDATE member SET password = ? WHERE id = ?", (kept, member_id))


def change_state(db: sqlite3.Connection, member_id: int, before: tuple[str, ...], to: str) -> bool:
    """Compare and swap; never touches an owner, who has to hand over first."""
    marks = ",".join("?" * len(before))
    changed = db.execute(
        f"UPDATE member SET state = ? WHERE id = ? AND role = 'member' AND state IN ({marks})",  # noqa: S608
        (to, member_id, *before),
    )
    return changed.rowcount == 1


def make_owner(db: sqlite3.Connection, member_id: int) -> bool:
    """Make an active member an owner too."""
    changed = db.execute(
        "UPDATE member SET role = 'owner' WHERE id = ? AND state = 'active'", (member_id,)
    )
    return changed.rowcount == 1


def forget_note(db: sqlite3.Connection, member_id: int) -> None:
    """The words of a request have done their work once it is answered."""
    db.execute("UPDATE member SET note = '' WHERE id = ?", (member_id,))


def forget_request(db: sqlite3.Connection, member_id: int) -> None:
    """Delete somebody who asked and never was a member."""
    db.execute("DELETE FROM member WHERE id = ? AND state = 'waiting'", (member_id,))


def is_only_owner(db: sqlite3.Connection, member: Member) -> bool:
    return member.is_owner and len(list_owners(db)) == 1
