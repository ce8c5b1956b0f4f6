"""The desired state: queries, and transitions that compare before they swap."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, create_engine, event, func, or_
from sqlalchemy.engine import Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import Session, col, select, update

from provisioner.core.names import skeleton_of, suggest_free
from provisioner.errors import Conflict, NameRefused, NotFound, Unavailable
from provisioner.models.community import GONE, Community, CommunityRequest, CommunityState
from provisioner.models.operation import (
    LogLine,
    Operation,
    OperationKind,
    OperationState,
    Step,
    StepState,
)

MIGRATIONS = Path(__file__).parent / "migrations"
WRITES = "taarafo_writes"
LOCK_SECONDS = 10.0  # how long a writer waits for another
OVER = (OperationState.DONE, OperationState.FAILED)


@dataclass(frozen=True)
class Page:
    """One page of the operator's list; `total` counts all that match."""

    rows: list[Community]
    total: int


class Store:
    """All reads and writes of the database. One instance a process; threads may share it."""

    def __init__(self, url: str) -> None:
        self.url = url
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

    def migrate(self) -> None:
        """Bring the tables to the newest shape. Running it again changes nothing.

        Loads Alembic here, so that the web, which never migrates, need not carry its 12 MB.
        """
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with self._engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def close(self) -> None:
        self._engine.dispose()

    # -- communities -------------------------------------------------------------------------

    def is_taken(self, label: str) -> bool:
        """Whether this label, or one that looks like it, belongs to somebody."""
        with self.session(writes=False) as session:
            found = select(Community.id).where(Community.reserved == skeleton_of(label))
            return session.exec(found).first() is not None

    def request_create(
        self,
        request: CommunityRequest,
        address: str,
        *,
        now: datetime,
        requested_by: str,
        idempotency_key: str | None = None,
    ) -> tuple[Community, Operation]:
        """Reserve the name and record the Operation, both or neither.

        The same `idempotency_key` gives the pair that the first request made. Raises NameRefused
        when somebody else took the name, or one like it, a moment ago.
        """
        if idempotency_key and (earlier := self.find_by_key(idempotency_key)):
            return earlier
        community = Community(
            label=request.label,
            reserved=skeleton_of(request.label),
            address=address,
            name=request.name,
            founder=request.founder,
            email=request.email,
            preset=request.preset,
            promises=request.promises.model_dump(mode="json"),
            app=request.app,
            channel=request.channel,
            created_at=now,
        )
        operation = _open(OperationKind.CREATE, community.id, requested_by, now)
        operation.idempotency_key = idempotency_key
        try:
            with self.session() as session:
                session.add(community)
                session.flush()
                session.add(operation)
                session.flush()
        except IntegrityError as error:
            if idempotency_key and (earlier := self.find_by_key(idempotency_key)):
                return earlier
            raise NameRefused(
                f"Somebody took “{request.label}”, or one just like it, a moment ago.",
                suggest_free(request.label, self.is_taken),
            ) from error
        return community, operation

    def request_remove(self, community_id: str, *, now: datetime, requested_by: str) -> Operation:
        """Record that it shall go. Raises Conflict while another Operation is open."""
        operation = _open(OperationKind.REMOVE, community_id, requested_by, now)
        try:
            with self.session() as session:
                session.add(operation)
                session.exec(
                    update(Community)
                    .where(col(Community.id) == community_id)
                    .values(state=CommunityState.REMOVING)
                )
        except IntegrityError as error:
            name = self.get_community(community_id).name
            raise Conflict("another operation is open", name=name) from error
        return operation

    def get_community(self, community_id: str) -> Community:
        with self.session(writes=False) as session:
            found = session.get(Community, community_id)
        if found is None:
            raise NotFound(what="community", name=community_id)
        return found

    def find_community(self, address: str) -> Community | None:
        """By address, label or id; the living one before those that are gone."""
        wanted = address.strip().lower()
        with self.session(writes=False) as session:
            return session.exec(
                select(Community)
                .where(
                    or_(
                        col(Community.address) == wanted,
                        col(Community.label) == wanted,
                        col(Community.id) == wanted,
                    )
                )
                .order_by(col(Community.reserved).is_(None), col(Community.created_at).desc())
            ).first()

    def find_by_console(self, sha256: str) -> Community | None:
        with self.session(writes=False) as session:
            found = select(Community).where(Community.console_sha256 == sha256)
            return session.exec(found).first() if sha256 else None

    def list_communities(
        self, *, search: str = "", state: str = "", offset: int = 0, limit: int = 50
    ) -> Page:
        """Two queries however many there are. Those that are gone show only when asked for."""
        where: list[ColumnElement[bool]] = (
            [col(Community.state) == state] if state else [col(Community.state).not_in(GONE)]
        )
        if search:
            like = f"%{_escape_like(search.lower())}%"
            where.append(
                or_(
                    func.lower(Community.name).like(like, escape="\\"),
                    col(Community.address).like(like, escape="\\"),
                    func.lower(Community.founder).like(like, escape="\\"),
                )
            )
        with self.session(writes=False) as session:
            total = session.exec(select(func.count()).select_from(Community).where(*where)).one()
            rows = session.exec(
                select(Community)
                .where(*where)
                .order_by(col(Community.created_at).desc(), col(Community.id).desc())
                .offset(offset)
                .limit(limit)
            ).all()
        return Page(list(rows), total)

    def change_community(self, community_id: str, **values: object) -> None:
        """Set columns of one row; the caller holds its Operation's lease."""
        with self.session() as session:
            session.exec(
                update(Community).where(col(Community.id) == community_id).values(**values)
            )

    # -- operations --------------------------------------------------------------------------

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

    def count_open(self) -> int:
        with self.session(writes=False) as session:
            open_ones = select(func.count()).where(col(Operation.active_for).is_not(None))
            return session.exec(open_ones).one()

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
        return self._swap(
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
        return self._swap(
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
        return self._swap(
            update(Operation)
            .where(col(Operation.id) == operation_id, col(Operation.leased_by) == worker)
            .values(state=state, message=message, **more)
        )

    def record_end(
        self, operation_id: str, worker: str, state: OperationState, now: datetime, **more: object
    ) -> bool:
        """Close it: the lease is given back and the community is free for another Operation."""
        return self._swap(
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

    # -- steps and log -----------------------------------------------------------------------

    def plan_steps(self, operation_id: str, names: list[str]) -> list[Step]:
        """Append the steps that are not planned yet; returns all in order."""
        with self.session() as session:
            steps = _read_steps(session, operation_id)
            known = {step.name for step in steps}
            for name in names:
                if name not in known:
                    step = Step(operation_id=operation_id, position=len(steps), name=name)
                    session.add(step)
                    steps.append(step)
            session.flush()
        return steps

    def list_steps(self, operation_id: str) -> list[Step]:
        with self.session(writes=False) as session:
            return _read_steps(session, operation_id)

    def record_step(
        self, step: Step, state: StepState, now: datetime, facts: dict[str, str] | None = None
    ) -> None:
        step.state = state
        if state is StepState.STARTED:
            step.started_at = step.started_at or now
        else:
            step.finished_at = now
        if facts:
            step.facts = {**step.facts, **facts}
        with self.session() as session:
            session.add(session.merge(step))

    def log(self, operation_id: str, step: str, text: str, now: datetime) -> None:
        with self.session() as session:
            session.add(LogLine(operation_id=operation_id, step=step, at=now, text=text[:2000]))

    def list_log(self, operation_id: str, after: int = 0) -> list[LogLine]:
        with self.session(writes=False) as session:
            return list(
                session.exec(
                    select(LogLine)
                    .where(LogLine.operation_id == operation_id, col(LogLine.id) > after)
                    .order_by(col(LogLine.id))
                ).all()
            )

    # -- within ------------------------------------------------------------------------------

    def find_by_key(self, key: str) -> tuple[Community, Operation] | None:
        with self.session(writes=False) as session:
            operation = session.exec(
                select(Operation).where(Operation.idempotency_key == key)
            ).first()
            if operation is None:
                return None
            community = session.get(Community, operation.community_id)
            return (community, operation) if community else None

    def _swap(self, statement: object) -> bool:
        with self.session() as session:
            return bool(session.exec(statement).rowcount)  # type: ignore[call-overload]


def _escape_like(text: str) -> str:
    """So that a typed `%` or `_` is looked for, not obeyed."""
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")


def _read_steps(session: Session, operation_id: str) -> list[Step]:
    query = select(Step).where(Step.operation_id == operation_id).order_by(col(Step.position))
    return list(session.exec(query).all())


def _open(kind: OperationKind, community_id: str, requested_by: str, now: datetime) -> Operation:
    return Operation(
        kind=kind,
        community_id=community_id,
        active_for=community_id,
        requested_by=requested_by,
        created_at=now,
    )


def _is_free(now: datetime) -> ColumnElement[bool]:
    return or_(col(Operation.leased_until).is_(None), col(Operation.leased_until) < now)


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
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine
