"""The one-shot commands around a backup: a consistent copy before, the copy put back after."""

from __future__ import annotations

import shutil

from .database import connect
from .migrate import migrate
from .settings import Settings


def before_backup(settings: Settings) -> None:
    """Write one consistent copy of the database, whole or not at all."""
    migrate(settings)
    fresh = settings.backup.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    db = connect(settings.database)
    try:
        db.execute("VACUUM INTO ?", (str(fresh),))
    finally:
        db.close()
    fresh.replace(settings.backup)


def after_restore(settings: Settings) -> None:
    """Put the consistent copy in place of whatever was copied mid-write, then check it."""
    if settings.backup.exists():
        for suffix in ("-wal", "-shm"):
            settings.database.with_name(settings.database.name + suffix).unlink(missing_ok=True)
        fresh = settings.database.with_suffix(".new")
        shutil.copyfile(settings.backup, fresh)
        fresh.replace(settings.database)
    migrate(settings)
    db = connect(settings.database)
    try:
        answer = db.execute("PRAGMA integrity_check").fetchone()[0]
    finally:
        db.close()
    if answer != "ok":
        raise ValueError(f"the restored database is damaged: {answer}")


def forget_copy(settings: Settings) -> None:
    """A copy must not outlive what somebody deleted; the next backup makes a new one."""
    settings.backup.unlink(missing_ok=True)
    settings.backup.with_suffix(".new").unlink(missing_ok=True)
