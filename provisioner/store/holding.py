"""Only who holds an Operation's lease writes for it: compared in the transaction that writes."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session, col, select

from provisioner.models.operation import Operation


class LeaseLost(Exception):
    """Another worker may have taken over: touch nothing more."""


@dataclass(frozen=True)
class Hold:
    """A worker's claim to an Operation, by the worker's name."""

    operation_id: str
    worker: str


def require(session: Session, hold: Hold | None) -> None:
    """None claims nothing, as of somebody who carries no Operation. Raises LeaseLost.

    The row is locked until the transaction ends, so that nobody takes the lease in between.
    """
    if hold is None:
        return
    held = select(Operation.id).where(
        Operation.id == hold.operation_id, col(Operation.leased_by) == hold.worker
    )
    if session.exec(held.with_for_update()).first() is None:
        raise LeaseLost(hold.operation_id)
