"""Rollouts: one row a release, changed only from what it was read as."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import col, func, select, update

from provisioner.errors import NotFound
from provisioner.models.community import Community, CommunityState
from provisioner.models.operation import Operation, OperationKind, Step, StepState
from provisioner.models.rollout import RolloutRow
from provisioner.store.database import Database
from provisioner.store.newest import keep_newest

OVER = "done"


class Rollouts(Database):
    """Rows of rollouts, and who was attempted in them."""

    def list_rollouts(self, *, is_open: bool = False, limit: int = 50) -> list[RolloutRow]:
        """Newest first."""
        query = select(RolloutRow).order_by(col(RolloutRow.published_at).desc()).limit(limit)
        if is_open:
            query = query.where(RolloutRow.state != OVER)
        with self.session(writes=False) as session:
            return list(session.exec(query).all())

    def get_rollout(self, target: str) -> RolloutRow:
        with self.session(writes=False) as session:
            found = session.get(RolloutRow, target)
        if found is None:
            raise NotFound(what="rollout", name=target)
        return found

    def add_rollout(self, row: RolloutRow) -> None:
        """Once, however often it is told."""
        with self.session() as session:
            if session.get(RolloutRow, row.target) is None:
                session.add(row)

    def change_rollout(self, before: RolloutRow, **values: object) -> bool:
        """False when somebody has changed it since it was read: read it again."""
        return self.swap(
            update(RolloutRow)
            .where(
                col(RolloutRow.target) == before.target,
                col(RolloutRow.state) == before.state,
                col(RolloutRow.wave) == before.wave,
                col(RolloutRow.forgiven) == before.forgiven,
            )
            .values(**values)
        )

    def list_fleet(self, app: str, channel: str) -> list[Community]:
        """All that run, but those that are on their way to another control plane."""
        with self.session(writes=False) as session:
            query = select(Community).where(
                Community.app == app,
                Community.channel == channel,
                Community.state == CommunityState.RUNNING,
                col(Community.reading_since).is_(None),
            )
            return list(session.exec(query).all())

    def list_older(
        self, row: RolloutRow, *, offset: int = 0, limit: int = 50
    ) -> tuple[list[Community], int]:
        """A page of those that run another version than this release, by name; and how many."""
        where = (
            Community.app == row.app,
            Community.channel == row.channel,
            Community.state == CommunityState.RUNNING,
            Community.release != row.target,
        )
        with self.session(writes=False) as session:
            total = session.exec(select(func.count()).select_from(Community).where(*where)).one()
            query = select(Community).where(*where).order_by(Community.name, Community.id)
            return list(session.exec(query.offset(offset).limit(limit)).all()), total

    def list_swaps(self, limit: int = 50) -> list[tuple[Operation, str, str]]:
        """(operation, name of its community, step that it is at) of every open upgrade or rollback,
        the oldest first."""
        kinds = (OperationKind.UPGRADE, OperationKind.ROLLBACK)
        at = (
            select(func.max(Step.position))
            .where(Step.operation_id == Operation.id, Step.state != StepState.PENDING)
            .correlate(Operation)
            .scalar_subquery()
        )
        query = (
            select(Operation, Community.name, Step.name)
            .join(Community, col(Community.id) == col(Operation.community_id))
            .join(
                Step,
                (col(Step.operation_id) == col(Operation.id)) & (col(Step.position) == at),
                isouter=True,
            )
            .where(col(Operation.active_for).is_not(None), col(Operation.kind).in_(kinds))
            .order_by(col(Operation.created_at))
            .limit(limit)
        )
        with self.session(writes=False) as session:
            return [(each, name, step or "") for each, name, step in session.exec(query).all()]

    def list_kept_since(self, moment: datetime) -> list[str]:
        """Ids of those that run and keep what they had before an upgrade older than this."""
        query = select(Community.id).where(
            Community.state == CommunityState.RUNNING,
            Community.snapshot != "",
            col(Community.upgraded_at) < moment,
        )
        with self.session(writes=False) as session:
            return list(session.exec(query).all())

    def list_fleets(self) -> list[tuple[str, str, str]]:
        """(app, channel, version) of all that run, each once."""
        with self.session(writes=False) as session:
            query = (
                select(Community.app, Community.channel, Community.version)
                .where(Community.state == CommunityState.RUNNING)
                .distinct()
            )
            return [(app, channel, version) for app, channel, version in session.exec(query).all()]

    def find_attempts(self, target: str, ids: Sequence[str] | None = None) -> dict[str, str]:
        """State of the newest upgrade to this release, by community; of these, or of all."""
        where = [col(Operation.target) == target, col(Operation.kind) == OperationKind.UPGRADE]
        if ids is not None:
            where.append(col(Operation.community_id).in_(ids))
        columns = select(Operation.community_id, Operation.state)
        query = keep_newest(columns, Operation, Operation.created_at, *where)
        with self.session(writes=False) as session:
            return dict(session.exec(query).all())
