"""The database file: transactions, migrations, and a change only of what is as expected."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from provisioner.errors import Unavailable

if TYPE_CHECKING:  # 12 MB that only who migrates has a use for
    from alembic.config import Config
    from alembic.script import ScriptDirectory

HEAD = "head"
MIGRATIONS = Path(__file__).parents[1] / "migrations"
WRITES = "taarafo_writes"
LOCK_SECONDS = 10.0  # how long a writer waits for another
AGAIN_SECONDS = 0.2
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "wal_autocheckpoint=0",  # `Copies.fold_log` does it
)


class Database:
    """A connection to it. One instance a process; threads may share it.

    Nobody in that process opens the file beside it: closing it again would let go of every lock
    that is held there, and the next writer would spoil it (SQLite, How To Corrupt, 2.2).
    """

    def __init__(self, url: str, *, migrations: Path = MIGRATIONS) -> None:
        self.url = url
        self.migrations = migrations
        self._engine = _connect(url)

    @contextmanager
    def session(self, *, writes: bool = True) -> Iterator[Session]:
        """A transaction: committed at the end, rolled back by an error.

        One that writes takes SQLite's write lock at its start, so that it waits its turn instead
        of failing in the middle. Raises Unavailable when the database stays locked or is away.
        """
        try:
            with Session(self._engine, expire_on_commit=False) as session:
                session.connection(execution_options={WRITES: writes})
                yield session
                session.commit()
        except OperationalError as error:
            raise Unavailable(str(error.orig), part="our notebook") from error

    def migrate(self, to: str = HEAD) -> None:
        """Bring the tables to the newest shape, or to a newer one. Running it again changes
        nothing.

        Whoever is being stopped at this moment may still hold SQLite's side files: it is tried for
        as long as a writer waits. Raises Unavailable.
        """
        self._try_patiently(lambda: self._move("upgrade", to))

    def take_back(self, to: str) -> None:
        """Bring the tables to an earlier shape; what only the later one has is lost.

        Raises Unavailable.
        """
        self._try_patiently(lambda: self._move("downgrade", to))

    def find_revision(self) -> str:
        """The shape that the tables have now; "" for a database that is empty."""
        from alembic.runtime.migration import MigrationContext

        with self._engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision() or ""

    @property
    def newest_revision(self) -> str:
        """The shape that this version works with."""
        return self._script.get_current_head() or ""

    def knows(self, revision: str) -> bool:
        """Whether this version has the way to and from this shape."""
        return revision in ("", *(each.revision for each in self._script.walk_revisions()))

    def _try_patiently(self, move: Callable[[], None]) -> None:
        ends = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                return move()
            except OperationalError as error:
                if time.monotonic() > ends:
                    raise Unavailable(str(error.orig), part="our notebook") from error
                self.close()  # a connection that could not open them stays as it was
                time.sleep(AGAIN_SECONDS)

    def _move(self, direction: str, to: str) -> None:
        """Loads Alembic here, so that the web, which never migrates, need not carry its 12 MB."""
        from alembic import command

        config = self._config
        with self._engine.begin() as connection:
            config.attributes["connection"] = connection
            getattr(command, direction)(config, to)

    @property
    def _config(self) -> Config:
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(self.migrations))
        return config

    @property
    def _script(self) -> ScriptDirectory:
        from alembic.script import ScriptDirectory

        return ScriptDirectory.from_config(self._config)

    def close(self) -> None:
        self._engine.dispose()

    def swap(self, statement: object) -> bool:
        """Whether the row was still as the statement expects it."""
        with self.session() as session:
            return bool(session.exec(statement).rowcount)  # type: ignore[call-overload]


def _connect(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": LOCK_SECONDS, "check_same_thread": False})

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES, True)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    @event.listens_for(engine, "connect")
    def _set_pragmas(connection: DBAPIConnection, _: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        for pragma in PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine
