"""One operation: its steps and its log, as they were recorded."""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template

from provisioner.models.operation import LogLine, Operation, OperationState, Step
from provisioner.models.words import STEP_WORDS
from web.current import get_context
from web.operator.door import blueprint


@dataclass(frozen=True)
class Seen:
    """An operation as it stands now; `log` has only lines that were not shown before."""

    operation: Operation
    steps: list[Step]
    log: list[LogLine]

    @property
    def is_over(self) -> bool:
        return OperationState(self.operation.state).is_over

    def last_id(self, before: int) -> int:
        return (self.log[-1].id or before) if self.log else before


def look(operation_id: str, after: int = 0) -> Seen:
    """Three reads. Raises NotFound."""
    store = get_context().store
    operation = store.get_operation(operation_id)
    return Seen(operation, store.list_steps(operation_id), store.list_log(operation_id, after))


@blueprint.get("/operations/<operation_id>")
def show_operation(operation_id: str) -> str:
    """Without JavaScript it renews itself until it is over."""
    seen = look(operation_id)
    return render_template(
        "operator/operation.html",
        seen=seen,
        operation=seen.operation,
        community=get_context().store.get_community(seen.operation.community_id),
        words=STEP_WORDS,
        last_id=seen.last_id(0),
    )
