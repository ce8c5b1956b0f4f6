"""What communities take of the disk, the disks themselves, and images that nobody needs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import col, delete, func, select

from provisioner.core.quotas import Weight, measure_fill, quota_of
from provisioner.models.community import GONE, Community, CommunityState
from provisioner.models.disk import Disk, IdleImage
from provisioner.models.operation import Operation
from provisioner.models.rollout import RolloutRow
from provisioner.store.database import Database
from provisioner.store.rollouts import OVER


class Disks(Database):
    """Rows about room, and the columns of communities that are about it."""

    def record_weights(
        self,
        weights: Mapping[str, Weight],
        told: Mapping[str, int | None],
        *,
        default_mb: int,
        now: datetime,
    ) -> None:
        """`told` is the limit in MB that each app knows now; None where that did not work."""
        with self.session() as session:
            for row in session.exec(select(Community).where(col(Community.id).in_(weights))):
                weight = weights[row.id]
                row.data_bytes, row.kept_bytes = weight.data, weight.kept
                row.backup_bytes, row.weighed_at = weight.backups, now
                row.told_quota_mb = told[row.id]
                row.fill_percent = measure_fill(weight.data, quota_of(row, default_mb))
                session.add(row)

    def change_quota(self, community_id: str, quota_mb: int | None, default_mb: int) -> None:
        """None is what is usual here; the app is told by the next weighing."""
        with self.session() as session:
            row = session.get_one(Community, community_id)
            row.quota_mb = quota_mb
            row.fill_percent = measure_fill(row.data_bytes, quota_of(row, default_mb))
            session.add(row)

    def list_fullest(self, percent: int, limit: int) -> tuple[list[Community], int]:
        """Those that run and have used so much of their quota, the fullest first; and how many."""
        where = (
            Community.state == CommunityState.RUNNING,
            col(Community.fill_percent) >= percent,
        )
        with self.session(writes=False) as session:
            total = session.exec(select(func.count()).select_from(Community).where(*where)).one()
            query = select(Community).where(*where).order_by(col(Community.fill_percent).desc())
            return list(session.exec(query.limit(limit)).all()) if total else [], total

    def record_disk(self, disk: Disk) -> None:
        with self.session() as session:
            session.merge(disk)

    def list_disks(self) -> list[Disk]:
        with self.session(writes=False) as session:
            return list(session.exec(select(Disk).order_by(Disk.node_id)).all())

    def list_needed_releases(self) -> set[str]:
        """Target paths of what runs, of what can be gone back to, and of what is on its way."""
        living = col(Community.state).not_in(GONE)
        queries = (
            select(Community.release).where(living).distinct(),
            select(Community.before).where(living).distinct(),
            select(RolloutRow.target).where(RolloutRow.state != OVER),
            select(Operation.target).where(col(Operation.active_for).is_not(None)).distinct(),
        )
        with self.session(writes=False) as session:
            return {each for query in queries for each in session.exec(query).all() if each}

    def list_pins(self, app: str, channel: str) -> set[str]:
        """Versions that somebody who runs stays at."""
        query = (
            select(Community.pinned_to)
            .where(
                Community.app == app,
                Community.channel == channel,
                Community.state == CommunityState.RUNNING,
                Community.pinned_to != "",
            )
            .distinct()
        )
        with self.session(writes=False) as session:
            return set(session.exec(query).all())

    def list_idle_images(self) -> dict[str, datetime]:
        """Since when nothing needs them, by reference."""
        with self.session(writes=False) as session:
            return {each.reference: each.since for each in session.exec(select(IdleImage))}

    def keep_idle_images(self, idle: Mapping[str, datetime]) -> None:
        """These and no others."""
        with self.session() as session:
            session.exec(delete(IdleImage))
            session.add_all(IdleImage(reference=ref, since=at) for ref, at in idle.items())
