"""The newest row of each community, in one query."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import ColumnElement
from sqlmodel import col, func, select

from provisioner.models.backup import Backup, Drill
from provisioner.models.operation import Operation

Query = TypeVar("Query", bound=Any)
Row = type[Backup] | type[Drill] | type[Operation]


def keep_newest(query: Query, row: Row, at: object, *where: ColumnElement[bool]) -> Query:
    """Of the rows that `where` leaves; `at` is the column that says how new one is."""
    newest = (
        select(row.community_id, func.max(at).label("at"))
        .where(*where)
        .group_by(col(row.community_id))
        .subquery()
    )
    same = (col(row.community_id) == newest.c.community_id) & (col(at) == newest.c.at)
    kept: Query = query.join(newest, same).where(*where)
    return kept
