"""Copies of the whole database: kept while others use it, looked through, and put back.

Only for SQLite. The database itself is never opened beside the connection that there is: SQLite's
own backup reads and writes through it, page by page and under its locks.
https://www.sqlite.org/backup.html
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from provisioner.errors import DatabaseDamaged, SettingWrong, Unavailable
from provisioner.files import UNFINISHED, sync_folder
from provisioner.store.database import Database

PATIENCE = 30.0  # seconds for somebody who holds the database
STEP_PAGES = 2000  # what is copied under one lock while others write
OWN_TABLES = ("alembic_version",)


class Copies(Database):
    """The database as a whole."""

    def keep_copy(self, path: Path) -> None:
        """Put a whole, sound copy at `path`, on the disk and all at once.

        Raises DatabaseDamaged, SettingWrong for another database than SQLite, and Unavailable.
        """
        unfinished = path.with_name(f".{path.name}{UNFINISHED}")
        with self._raw() as live:
            unfinished.unlink(missing_ok=True)
            unfinished.touch(mode=0o600)
            with closing(sqlite3.connect(unfinished)) as copy:
                live.backup(copy, pages=STEP_PAGES, sleep=0.01, progress=_until(PATIENCE))
                copy.execute("PRAGMA journal_mode=DELETE")
                _refuse_damage(copy)
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
        sync_folder(path.parent)

    def put_back(self, path: Path) -> None:
        """Make everything as it is in a copy, in one transaction: all of it, or none.

        Raises DatabaseDamaged for a copy that is not sound, SettingWrong and Unavailable.
        """
        with self._raw() as live, _reading(path) as copy:
            _refuse_damage(copy)
            copy.backup(live, sleep=0.05, progress=_until(PATIENCE))
            _refuse_damage(live)
        self.close()  # what the connections know of the tables is of another time

    def fold_log(self) -> None:
        """Copy SQLite's write-ahead log into the database while nobody writes; it begins anew then.

        SQLite itself would do it at every thousandth page, while others write. Before 3.51.3 that
        may lose what was written, once in a great while. https://sqlite.org/wal.html §11

        Raises Unavailable. Nothing is to be done for another database.
        """
        if self.url.startswith("sqlite"):
            with self.session(), self._raw() as live:
                live.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def refuse_damage(self) -> None:
        """Read every page and every reference. Raises DatabaseDamaged."""
        with self._raw() as live:
            _refuse_damage(live)

    def count_rows(self) -> dict[str, int]:
        """Rows of each table."""
        with self._raw() as live:
            return {
                name: live.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608
                for name in _list_tables(live, "main")
            }

    @contextmanager
    def _raw(self) -> Iterator[sqlite3.Connection]:
        """The driver's own connection, out of the pool, with no transaction open."""
        if not self.url.startswith("sqlite"):
            reason = "no copy of that database can be kept, and nothing is upgraded without one"
            raise SettingWrong(name="TAARAFO_DATABASE_URL", reason=reason)
        held = self._engine.raw_connection()
        try:
            connection = held.driver_connection
            assert isinstance(connection, sqlite3.Connection)  # noqa: S101 - for the type alone
            yield connection
        finally:
            held.close()


def list_lost(copy: Path, to: str, migrations: Path, scratch: Path) -> dict[str, int]:
    """What would be lost if the tables of a copy went back to the shape `to`: rows, by table.

    It is tried for real, on another copy at `scratch`: there, and forth again. Rows that are not
    the same afterwards cannot be kept. What is left at `scratch` is the caller's to remove.
    """
    scratch.unlink(missing_ok=True)
    with _reading(copy) as source, closing(sqlite3.connect(scratch)) as tried:
        source.backup(tried)
    tables = Database(f"sqlite:///{scratch}", migrations=migrations)
    newest = tables.find_revision()
    try:
        tables.take_back(to)
        tables.migrate(newest)
    finally:
        tables.close()
    with closing(sqlite3.connect(copy)) as both:
        both.execute("ATTACH DATABASE ? AS tried", (str(scratch),))
        counts = {name: _count_missing(both, name) for name in _list_tables(both, "main")}
    return {name: count for name, count in counts.items() if count}


def _count_missing(both: sqlite3.Connection, table: str) -> int:
    columns = [row[1] for row in both.execute(f'PRAGMA main.table_info("{table}")')]
    told = ", ".join(f'"{name}"' for name in columns)
    query = (
        f'SELECT count(*) FROM (SELECT {told} FROM main."{table}"'  # noqa: S608 - our own names
        f' EXCEPT SELECT {told} FROM tried."{table}")'
    )
    return int(both.execute(query).fetchone()[0])


def _list_tables(connection: sqlite3.Connection, schema: str) -> list[str]:
    found = connection.execute(
        f"SELECT name FROM {schema}.sqlite_master"  # noqa: S608 - our own name
        " WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    )
    return [name for (name,) in found if name not in OWN_TABLES]


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A copy, which nobody changes. Raises DatabaseDamaged where there is none."""
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    except sqlite3.OperationalError as error:
        raise DatabaseDamaged(str(path), reason=f"the copy {path} cannot be read") from error
    with closing(connection):
        yield connection


def _refuse_damage(connection: sqlite3.Connection) -> None:
    try:
        (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        astray = connection.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.DatabaseError as error:
        raise DatabaseDamaged(str(error), reason=str(error)) from error
    if said != "ok" or astray:
        reason = said if said != "ok" else f"a row of {astray[0]} belongs to nothing"
        raise DatabaseDamaged(reason, reason=reason)


def _until(seconds: float) -> Callable[[int, int, int], None]:
    """Ends a copy that somebody else's lock holds up. Raises Unavailable."""
    ends = time.monotonic() + seconds

    def look(_status: int, _remaining: int, _total: int) -> None:
        if time.monotonic() > ends:
            raise Unavailable("the database stays locked", part="our notebook")

    return look
