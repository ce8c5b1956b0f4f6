"""What every page can ask for: the community, the database, who is looking and what time it is."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass, field

from flask import current_app, g

from .. import tokens
from ..catalogue import Catalogue
from ..config import Config
from ..database import connect
from ..limits import Limits
from ..members import Member
from ..settings import Settings


@dataclass(frozen=True)
class Here:
    """Made once at the start; the same for every request."""

    settings: Settings
    config: Config
    catalogue: Catalogue
    key: bytes
    limits: Limits = field(default_factory=Limits)


def here() -> Here:
    found: Here = current_app.extensions["here"]
    return found


def db() -> sqlite3.Connection:
    """This request's connection; closed when it ends."""
    if "db" not in g:
        g.db = connect(here().settings.database)
    connection: sqlite3.Connection = g.db
    return connection


def close_db(_error: BaseException | None = None) -> None:
    connection = g.pop("db", None)
    if connection is not None:
        connection.close()


def now() -> int:
    return int(time.time())


def viewer() -> Member | None:
    """Whoever is signed in, in whatever state she is."""
    found: Member | None = g.get("viewer")
    return found


def member() -> Member:
    """The signed-in person of a page that the gate opens only to such."""
    found = viewer()
    if found is None:
        raise LookupError("the gate let a stranger in")
    return found


def door_key(person: Member) -> str:
    """The end of her own address for signing in; it ends when she leaves."""
    return f"{person.id}.{tokens.derive(here().key, 'door', person.id, person.door_salt)}"
