"""Backups that count, and drills. What failed is in the log of its operation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import col, delete, select, update

from provisioner.models.backup import Backup, Drill
from provisioner.models.bundle import Bundle
from provisioner.store.database import Database
from provisioner.store.newest import keep_newest


class Backups(Database):
    """Rows of backups and drills."""

    def record_backup(self, backup: Backup) -> None:
        """Once for each operation and shelf, however often it is told."""
        with self.session() as session:
            known = select(Backup.id).where(
                Backup.operation_id == backup.operation_id, Backup.shelf == backup.shelf
            )
            if session.exec(known).first() is None:
                session.add(backup)

    def record_drill(self, drill: Drill) -> None:
        """Once for each operation: what it said first stays."""
        with self.session() as session:
            known = select(Drill.id).where(Drill.operation_id == drill.operation_id)
            if session.exec(known).first() is None:
                session.add(drill)

    def list_backups(self, community_id: str, shelf: str = "") -> list[Backup]:
        """Those that are still there, newest first."""
        query = (
            select(Backup)
            .where(Backup.community_id == community_id, col(Backup.forgotten_at).is_(None))
            .order_by(col(Backup.made_at).desc())
        )
        if shelf:
            query = query.where(Backup.shelf == shelf)
        with self.session(writes=False) as session:
            return list(session.exec(query).all())

    def forget_backups(self, community_id: str, snapshots: Sequence[str], now: datetime) -> None:
        """They are no longer on their shelf."""
        with self.session() as session:
            session.exec(
                update(Backup)
                .where(
                    col(Backup.community_id) == community_id,
                    col(Backup.snapshot).in_(snapshots),
                    col(Backup.forgotten_at).is_(None),
                )
                .values(forgotten_at=now)
            )

    def forget_community(self, community_id: str) -> None:
        """No row of it stays."""
        with self.session() as session:
            session.exec(delete(Drill).where(col(Drill.community_id) == community_id))
            session.exec(delete(Backup).where(col(Backup.community_id) == community_id))
            session.exec(delete(Bundle).where(col(Bundle.community_id) == community_id))

    def find_backups(self, community_ids: Sequence[str]) -> dict[str, Backup]:
        """The newest of each of these communities, in one query."""
        query = keep_newest(
            select(Backup), Backup, Backup.made_at, col(Backup.community_id).in_(community_ids)
        )
        with self.session(writes=False) as session:
            return {each.community_id: each for each in session.exec(query).all()}

    def find_drills(self, community_ids: Sequence[str]) -> dict[str, Drill]:
        """The newest of each of these communities, in one query."""
        query = keep_newest(
            select(Drill), Drill, Drill.made_at, col(Drill.community_id).in_(community_ids)
        )
        with self.session(writes=False) as session:
            return {each.community_id: each for each in session.exec(query).all()}
