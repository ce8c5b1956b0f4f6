"""Operations: who holds one, and how it ends. Every change needs the lease."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_
from sqlmodel import col, select, update

from provisioner.errors import NotFound
from provisioner.models.community import GONE, Community
from provisioner.models.operation import (
    Operation,
    OperationKind,
    OperationState,
)
from provisioner.store.database import Database
from provisioner.store.holding import Hold, require
from provisioner.store.newest import keep_newest

OVER = (OperationState.DONE, OperationState.FAILED)


class Operations(Database):
    """Rows of operations, each held by one worker at a time."""

    def get_operation(self, operation_id: str) -> Operation:
        with self.session(writes=False) as session:
            found = session.get(Operation, operation_id)
        if found is None:
            raise NotFound(what="operation", name=operation_id)
        return found

    def list_operations(self, community_id: str = "", *, limit: int = 50) -> list[Operation]:
        """Newest first; of one community, or of all."""
        query = select(Operation).order_by(col(Operation.created_at).desc()).limit(limit)
        if community_id:
            query = query.where(Operation.community_id == community_id)
        with self.session(writes=False) as session:
            return list(session.exec(query).all())

    def list_busy(self) -> set[str]:
        """Ids of the communities for which an Operation is open."""
        with self.session(writes=False) as session:
            found = session.exec(
                select(Operation.active_for).where(col(Operation.active_for).is_not(None))
            )
            return {each for each in found.all() if each}

    def count_open(self) -> int:
        with self.session(writes=False) as session:
            open_ones = select(func.count()).where(col(Operation.active_for).is_not(None))
            return session.exec(open_ones).one()

    def count_held(self, now: datetime) -> int:
        """How many open Operations a living worker carries at this moment."""
        with self.session(writes=False) as session:
            held = (col(Operation.state).not_in(OVER), col(Operation.leased_until) > now)
            return session.exec(select(func.count()).where(*held)).one()

    def count_open_by_kind(self) -> dict[str, int]:
        with self.session(writes=False) as session:
            found = session.exec(
                select(Operation.kind, func.count())
                .where(col(Operation.active_for).is_not(None))
                .group_by(Operation.kind)
            )
            return dict(found.all())

    def find_last_asked(
        self, community_ids: Sequence[str], kind: OperationKind
    ) -> dict[str, Operation]:
        """The newest Operation of this kind of each of these communities, in one query."""
        theirs = col(Operation.community_id).in_(community_ids)
        query = keep_newest(
            select(Operation), Operation, Operation.created_at, col(Operation.kind) == kind, theirs
        )
        with self.session(writes=False) as session:
            return {each.community_id: each for each in session.exec(query).all()}

    def list_stranded(self, now: datetime) -> list[str]:
        """Ids of open Operations that no living worker holds, oldest first."""
        with self.session(writes=False) as session:
            return list(
                session.exec(
                    select(Operation.id)
                    .where(col(Operation.state).not_in(OVER), _is_free(now))
                    .order_by(col(Operation.created_at))
                ).all()
            )

    def lease(self, operation_id: str, worker: str, now: datetime, seconds: float) -> bool:
        """Take an Operation; False when another worker holds it or it is over."""
        return self.swap(
            update(Operation)
            .where(
                col(Operation.id) == operation_id,
                col(Operation.state).not_in(OVER),
                _is_free(now),
            )
            .values(
                leased_by=worker,
                leased_until=now + timedelta(seconds=seconds),
                attempts=Operation.attempts + 1,
            )
        )

    def extend_lease(self, operation_id: str, worker: str, now: datetime, seconds: float) -> bool:
        """False when the lease was lost: stop at once."""
        return self.swap(
            update(Operation)
            .where(col(Operation.id) == operation_id, col(Operation.leased_by) == worker)
            .values(leased_until=now + timedelta(seconds=seconds))
        )

    def record_state(
        self,
        operation_id: str,
        worker: str,
        state: OperationState,
        message: str = "",
        **more: object,
    ) -> bool:
        """Move an Operation that this worker holds; False when the lease was lost."""
        return self.swap(
            update(Operation)
            .where(col(Operation.id) == operation_id, col(Operation.leased_by) == worker)
            .values(state=state, message=message, **more)
        )

    def record_asked(self, hold: Hold | None, operation_id: str, asked: Mapping[str, str]) -> None:
        """What was found out of what is wished. Raises LeaseLost."""
        with self.session() as session:
            require(session, hold)
            session.exec(
                update(Operation).where(col(Operation.id) == operation_id).values(asked=dict(asked))
            )

    def find_restored(self, snapshot: str) -> Operation | None:
        """What brings this snapshot here, or has brought whoever is here."""
        query = (
            select(Operation)
            .join(Community, col(Community.id) == col(Operation.community_id))
            .where(
                Operation.kind == OperationKind.RESTORE,
                Operation.state != OperationState.FAILED,
                col(Community.state).not_in(GONE),
            )
            .order_by(col(Operation.created_at).desc())
        )
        with self.session(writes=False) as session:
            found = session.exec(query).all()
        return next((each for each in found if each.asked["snapshot"] == snapshot), None)

    def list_sources(self) -> list[str]:
        """From where communities are being brought back now."""
        with self.session(writes=False) as session:
            found = session.exec(
                select(Operation).where(
                    Operation.kind == OperationKind.RESTORE, col(Operation.active_for).is_not(None)
                )
            )
            return [each.asked["source"] for each in found.all()]

    def record_end(
        self, operation_id: str, worker: str, state: OperationState, now: datetime, **more: object
    ) -> bool:
        """Close it: the lease is given back and the community is free for another Operation."""
        return self.swap(
            update(Operation)
            .where(col(Operation.id) == operation_id, col(Operation.leased_by) == worker)
            .values(
                state=state,
                finished_at=now,
                active_for=None,
                leased_by="",
                leased_until=None,
                **more,
            )
        )


def _is_free(now: datetime) -> ColumnElement[bool]:
    return or_(col(Operation.leased_until).is_(None), col(Operation.leased_until) < now)
