"""The one-shot command that gives a new community its owner; repeating it is harmless."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from pathlib import Path

from . import invitations, members, names, sessions
from .database import connect, transaction
from .settings import Settings


def create_owner(settings: Settings, order: Path, now: int) -> None:
    """Make the owner of `order` (JSON), or renew the first owner's one-time link."""
    wish = json.loads(order.read_text(encoding="utf-8"))
    expires = int(datetime.fromisoformat(wish["signin_expires"]).timestamp())
    db = connect(settings.database)
    try:
        with transaction(db):
            owner_id = _find_owner(db) or _add_owner(db, wish["name"], now)
            sessions.offer(db, owner_id, wish["signin_sha256"].lower(), expires)
            if wish.get("invite_sha256"):
                invitations.keep_digest(db, wish["invite_sha256"].lower(), now)
    finally:
        db.close()


def _find_owner(db: sqlite3.Connection) -> int | None:
    owners = members.list_owners(db)
    return min((owner.id for owner in owners), default=None)


def _add_owner(db: sqlite3.Connection, name: str, now: int) -> int:
    return members.add(db, names.tidy(name)[: names.LONGEST], now=now, role="owner")
