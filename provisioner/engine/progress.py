"""How far an Operation is, in words for the person who waits."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.engine.context import Context
from provisioner.engine.courses import COURSES
from provisioner.models.community import CommunityState
from provisioner.models.operation import OperationKind, OperationState, StepState
from provisioner.models.words import STEP_WORDS


@dataclass(frozen=True)
class ProgressStep:
    name: str
    words: str
    state: str  # a StepState


@dataclass(frozen=True)
class Progress:
    """`percent` never goes to 100 unless it is ready; `message` is a sentence or empty."""

    state: str
    message: str
    error_code: str
    percent: int
    is_over: bool
    is_ready: bool
    steps: tuple[ProgressStep, ...]


def get_progress(context: Context, operation_id: str) -> Progress:
    """Three reads. Raises NotFound."""
    operation = context.store.get_operation(operation_id)
    community = context.store.get_community(operation.community_id)
    states = {step.name: step.state for step in context.store.list_steps(operation_id)}
    is_create = operation.kind in (OperationKind.CREATE, OperationKind.RESTORE)
    planned = COURSES[operation.kind].steps
    steps = tuple(
        ProgressStep(p.name, STEP_WORDS[p.name], states.get(p.name, StepState.PENDING))
        for p in planned
    )
    over = operation.state in (OperationState.DONE, OperationState.FAILED)
    ready = (
        community.state == CommunityState.RUNNING
        if is_create
        else operation.state == OperationState.DONE
    )
    done = sum(step.state == StepState.DONE for step in steps)
    percent = 100 if ready else min(99, round(100 * done / len(steps)))
    return Progress(
        state=operation.state,
        message=operation.message,
        error_code=operation.error_code,
        percent=percent,
        is_over=over,
        is_ready=ready,
        steps=steps,
    )
