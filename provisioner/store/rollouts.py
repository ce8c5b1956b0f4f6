"""Rollouts: one row a release, changed only from what it was read as."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import col, func, select, update

from provisioner.errors import NotFound
from provisioner.models.community import Community, CommunityState
from provisioner.models.operation import Operation, OperationKind, Step, StepState
from provisioner.models.rollout import RolloutRow
from provisioner.store.database import Database

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
        """All that run."""
        with self.session(writes=False) as session:
            query = select(Community).where(
                Community.app == app,
                Community.channel == channel,
                Community.state == CommunityState.RUNNING,
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
        tries = select(Operation.community_id, func.max(Operation.created_at).label("at")).where(
            Operation.target == target, Operation.kind == OperationKind.UPGRADE
        )
        if ids is not None:
            tries = tries.where(col(Operation.community_id).in_(ids))
        newest = tries.group_by(col(Operation.community_id)).subquery()
        query = select(Operation.community_id, Operation.state).join(
            newest,
            (col(Operation.community_id) == newest.c.community_id)
            & (col(Operation.created_at) == newest.c.at),
        )
        with self.session(writes=False) as session:
            found = session.exec(query.where(Operation.target == target)).all()
            return dict(found)
