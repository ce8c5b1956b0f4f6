"""How many communities there are, by state and by verdict: two queries, whatever their number."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import col, func, select

from provisioner.engine.context import Context
from provisioner.models.community import GONE, Community, CommunityState


@dataclass(frozen=True)
class Totals:
    """`by_state` counts all that ever were; the rest only what runs now. Memory is in MB."""

    by_state: dict[str, int]
    by_verdict: dict[str, int]  # "" is not checked yet
    memory_mb: int
    open_operations: int

    @property
    def living(self) -> int:
        return sum(count for state, count in self.by_state.items() if state not in GONE)


def count_communities(context: Context) -> Totals:
    """Raises Unavailable while the database does not answer."""
    query = select(
        col(Community.state),
        col(Community.verdict),
        func.count(),
        func.coalesce(func.sum(col(Community.memory_mb)), 0),
    ).group_by(col(Community.state), col(Community.verdict))
    with context.store.session(writes=False) as session:
        groups = list(session.exec(query).all())
    by_state: dict[str, int] = {}
    by_verdict: dict[str, int] = {}
    memory = 0
    for state, verdict, count, used in groups:
        by_state[state] = by_state.get(state, 0) + count
        if state == CommunityState.RUNNING:
            by_verdict[verdict] = by_verdict.get(verdict, 0) + count
            memory += used or 0
    return Totals(by_state, by_verdict, memory, context.store.count_open())
