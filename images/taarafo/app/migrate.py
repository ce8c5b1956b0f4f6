"""Bring the database to the newest form; safe when several processes do it at once."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from .database import connect, transaction
from .settings import Settings

STEPS = Path(__file__).parent / "migrations"


def migrate(settings: Settings) -> None:
    """Make the folders and apply every numbered step that is still missing, in order."""
    for folder in (settings.data, settings.media, settings.incoming, settings.backup.parent):
        folder.mkdir(parents=True, exist_ok=True)
    db = connect(settings.database)
    try:
        _use_write_ahead(db)
        _apply_missing(db)
    finally:
        db.close()


def _use_write_ahead(db: sqlite3.Connection) -> None:
    """Readers never wait. Two processes may try this on a new file: one has to try again."""
    for _ in range(50):
        try:
            db.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            time.sleep(0.1)
    raise TimeoutError("the database stayed locked")


def _apply_missing(db: sqlite3.Connection) -> None:
    steps = sorted(STEPS.glob("*.sql"))
    if _version(db) >= len(steps):
        return
    with transaction(db):
        for number, step in enumerate(steps, start=1):
            if number > _version(db):
                _run(db, step.read_text(encoding="utf-8"))
                db.execute(f"PRAGMA user_version={number}")


def _run(db: sqlite3.Connection, script: str) -> None:
    """One statement at a time: `executescript` would end our transaction."""
    for statement in script.split(";\n"):
        if statement.strip():
            db.execute(statement)


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])
