"""The SQLite file: how it is opened, and transactions that either happen or do not."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

BUSY_MS = 15_000
CHECKPOINT_TRIES, CHECKPOINT_PAUSE = 50, 0.1  # seconds
LONG_LOG = 4 * 2**20  # bytes
FULL = ("database or disk is full", "disk I/O error", "unable to open database file")


def connect(path: Path) -> sqlite3.Connection:
    """A connection in which deleted text is overwritten with zeros, not merely unlinked.

    What was answered with “kept” is on the disk: it outlives a power cut, not only a crash. The
    write-ahead log is left to `fold_log`.
    """
    db = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None)
    db.row_factory = sqlite3.Row
    db.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    db.execute("PRAGMA foreign_keys=ON")
    db.execute("PRAGMA secure_delete=ON")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA wal_autocheckpoint=0")
    return db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All of it or nothing; takes the write lock first, so that it cannot fail half way."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield db
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def fold_log(path: Path) -> None:
    """Copy a long write-ahead log into the database while nobody writes; then it begins anew.

    SQLite itself would do it at every thousandth page, while others write. Before 3.51.3 that may
    lose what was written, once in a great while; Debian's is older. https://sqlite.org/wal.html §11
    """
    log = path.with_name(f"{path.name}-wal")
    if not log.exists() or log.stat().st_size < LONG_LOG:
        return
    with closing(connect(path)) as writer, closing(connect(path)) as db, transaction(writer):
        db.execute("PRAGMA wal_checkpoint(PASSIVE)")


def forget_deleted(db: sqlite3.Connection) -> None:
    """Empty the write-ahead log, where overwritten pages would otherwise linger.

    It cannot be emptied while somebody reads an older state, so it is tried for a while.
    """
    for _ in range(CHECKPOINT_TRIES):
        if not db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            return
        time.sleep(CHECKPOINT_PAUSE)


def is_full(error: sqlite3.Error) -> bool:
    """Whether a write failed because there is no room, not because it was wrong."""
    return isinstance(error, sqlite3.OperationalError) and str(error).startswith(FULL)
