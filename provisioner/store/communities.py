"""Communities: their names are reserved, and a wish is recorded with its Operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select, update

from provisioner.core.names import skeleton_of, suggest_free
from provisioner.errors import Conflict, NameRefused, NotFound
from provisioner.models.community import GONE, Community, CommunityRequest, CommunityState
from provisioner.models.operation import (
    Operation,
    OperationKind,
)
from provisioner.store.database import Database
from provisioner.store.holding import Hold, require


@dataclass(frozen=True)
class Page:
    """One page of the operator's list; `total` counts all that match."""

    rows: list[Community]
    total: int


class Communities(Database):
    """Rows of communities, and the Operations that are asked for with them."""

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
            self._record_both(community, operation)
        except IntegrityError as error:
            if idempotency_key and (earlier := self.find_by_key(idempotency_key)):
                return earlier
            raise NameRefused(
                f"Somebody took “{request.label}”, or one just like it, a moment ago.",
                suggest_free(request.label, self.is_taken),
            ) from error
        return community, operation

    def request_restore(
        self, community: Community, asked: dict[str, str], *, now: datetime, requested_by: str
    ) -> Operation:
        """Record a community of which only its label is known yet, and what brings it back.

        Raises Conflict when somebody took the label a moment ago.
        """
        operation = _open(OperationKind.RESTORE, community.id, requested_by, now)
        operation.asked = asked
        try:
            self._record_both(community, operation)
        except IntegrityError as error:
            raise Conflict("its label is taken", name=community.label) from error
        return operation

    def give_name(self, hold: Hold | None, community_id: str, label: str, address: str) -> None:
        """Reserve another name for it. Raises Conflict when somebody has it, or one like it."""
        try:
            self.change_held(
                hold,
                community_id,
                {"label": label, "reserved": skeleton_of(label), "address": address},
            )
        except IntegrityError as error:
            raise Conflict("the label is taken", name=label) from error

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

    def request_swap(
        self,
        community_id: str,
        kind: OperationKind,
        asked: dict[str, str],
        *,
        now: datetime,
        requested_by: str,
    ) -> Operation:
        """Record that another version shall run, as `core.swap` says it.

        Raises Conflict while another Operation is open, or when one has just changed what runs.
        """
        operation = _open(kind, community_id, requested_by, now)
        operation.asked, operation.target = asked, asked["release"]
        return self._open_while(
            operation,
            lambda row: (row.release, row.slot) == (asked["from_release"], asked["from_slot"]),
        )

    def request_upkeep(
        self, community_id: str, kind: OperationKind, *, now: datetime, requested_by: str
    ) -> Operation:
        """Record what changes nothing of what runs. Raises Conflict while another Operation is
        open, or while the community does not run."""
        operation = _open(kind, community_id, requested_by, now)
        return self._open_while(operation, lambda _: True)

    def request_part_of_move(
        self,
        community_id: str,
        kind: OperationKind,
        asked: dict[str, str],
        *,
        now: datetime,
        requested_by: str,
        state: CommunityState = CommunityState.RUNNING,
    ) -> Operation:
        """Record one part of its way to another control plane. Raises Conflict while another
        Operation is open, or while its state is another."""
        operation = _open(kind, community_id, requested_by, now)
        operation.asked = asked
        return self._open_while(operation, lambda _: True, state)

    def _record_both(self, community: Community, operation: Operation) -> None:
        with self.session() as session:
            session.add(community)
            session.flush()
            session.add(operation)
            session.flush()

    def _open_while(
        self,
        operation: Operation,
        is_so: Callable[[Community], bool],
        state: CommunityState = CommunityState.RUNNING,
    ) -> Operation:
        """Both or neither: the community runs and is as expected, and the Operation is open."""
        try:
            with self.session() as session:
                session.add(operation)
                session.flush()
                row = session.get_one(Community, operation.community_id)
                if row.state != state or not is_so(row):
                    raise Conflict("it is not what it was", name=row.name)
        except IntegrityError as error:
            name = self.get_community(operation.community_id).name
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
                .order_by(
                    col(Community.id) != wanted,  # an id is nobody's address, whatever it is called
                    col(Community.reserved).is_(None),
                    col(Community.created_at).desc(),
                )
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
        """Set columns of one row, for somebody who carries no Operation."""
        self.change_held(None, community_id, values)

    def change_held(
        self, hold: Hold | None, community_id: str, values: Mapping[str, object]
    ) -> None:
        """Set columns of one row. Raises LeaseLost."""
        with self.session() as session:
            require(session, hold)
            session.exec(
                update(Community).where(col(Community.id) == community_id).values(**values)
            )

    def find_by_key(self, key: str) -> tuple[Community, Operation] | None:
        with self.session(writes=False) as session:
            operation = session.exec(
                select(Operation).where(Operation.idempotency_key == key)
            ).first()
            if operation is None:
                return None
            community = session.get(Community, operation.community_id)
            return (community, operation) if community else None


def _escape_like(text: str) -> str:
    """So that a typed `%` or `_` is looked for, not obeyed."""
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")


def _open(kind: OperationKind, community_id: str, requested_by: str, now: datetime) -> Operation:
    return Operation(
        kind=kind,
        community_id=community_id,
        active_for=community_id,
        requested_by=requested_by,
        created_at=now,
    )
