"""Count what is in a folder and in its databases, without changing anything."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from pathlib import Path

from provisioner.errors import BackupFailed


def list_files(folder: Path, left_out: Collection[str] = ()) -> dict[str, tuple[int, int]]:
    """Regular files by their path below `folder`: size in bytes, time of change in ns."""
    return dict(_walk(folder, "", frozenset(left_out)))


def _walk(
    folder: Path, below: str, left_out: frozenset[str]
) -> Iterator[tuple[str, tuple[int, int]]]:
    try:
        entries = list(os.scandir(folder / below))
    except FileNotFoundError:
        return  # it went away meanwhile
    for entry in entries:
        path = f"{below}{entry.name}"
        if path in left_out:
            continue
        try:
            told = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        if stat.S_ISDIR(told.st_mode):
            yield from _walk(folder, f"{path}/", left_out)
        elif stat.S_ISREG(told.st_mode):
            yield path, (told.st_size, told.st_mtime_ns)


def count_rows(databases: Mapping[str, Path], *, is_still: bool) -> dict[str, int]:
    """Rows by `name/table`. `is_still` promises that nobody writes these files meanwhile.

    Raises ValueError for a database that is missing or damaged.
    """
    counted: dict[str, int] = {}
    for name, path in databases.items():
        for table, rows in _count_tables(path, is_still=is_still):
            counted[f"{name}/{table}"] = rows
    return counted


def _count_tables(path: Path, *, is_still: bool) -> list[tuple[str, int]]:
    address = f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if is_still else ''}"
    try:
        with closing(sqlite3.connect(address, uri=True)) as db:
            db.execute("BEGIN")  # one state for all the counts
            (said,) = db.execute("PRAGMA quick_check(1)").fetchone()
            if said != "ok":
                raise ValueError(f"the database {path.name} is damaged: {said}")
            named = db.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
                " AND name NOT LIKE 'sqlite|_%' ESCAPE '|' ORDER BY name"
            ).fetchall()
            return [(name, _count(db, name)) for (name,) in named]
    except sqlite3.Error as error:
        raise ValueError(f"the database {path.name} cannot be read: {error}") from error


def _count(db: sqlite3.Connection, table: str) -> int:
    quoted = table.replace('"', '""')
    (rows,) = db.execute(f'SELECT count(*) FROM "{quoted}"').fetchone()  # noqa: S608 - quoted
    return int(rows)


def count_copies(copies: Mapping[str, str], paths: Mapping[str, Path]) -> dict[str, int]:
    """Rows of consistent copies, named for the live database, so that a restored one compares.

    Raises BackupFailed for a copy that is missing or damaged.
    """
    try:
        return count_rows({live: paths[copy] for live, copy in copies.items()}, is_still=True)
    except ValueError as error:
        raise BackupFailed(str(error), reason=str(error)) from error
