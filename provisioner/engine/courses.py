"""What each kind of Operation does, step by step, and how it is undone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from provisioner.engine.backups.back_up_first import BACK_UP_FIRST, UNDO_BACK_UP_FIRST
from provisioner.engine.backups.back_up_steps import BACK_UP_STEPS, UNDO_BACK_UP_STEPS
from provisioner.engine.backups.drill_steps import DRILL_STEPS, UNDO_DRILL_STEPS
from provisioner.engine.backups.restore_steps import RESTORE_STEPS, UNDO_RESTORE_STEPS
from provisioner.engine.create_steps import CREATE_STEPS
from provisioner.engine.moves.export_steps import EXPORT_STEPS, STAY_STEPS, UNDO_EXPORT_STEPS
from provisioner.engine.moves.move_steps import (
    ERASE_STEPS,
    MOVE_STEPS,
    UNDO_MOVE_STEPS,
    is_led_away,
)
from provisioner.engine.remove_steps import REMOVE_STEPS
from provisioner.engine.upgrades.forget import FORGET_STEPS
from provisioner.engine.upgrades.swap_steps import SWAP_STEPS
from provisioner.engine.upgrades.two_versions import is_settled
from provisioner.engine.upgrades.undo_steps import UNDO_STEPS
from provisioner.engine.work import StepPlan, Work
from provisioner.models.operation import OperationKind


@dataclass(frozen=True)
class Course:
    """`undo` is empty where a failure changes nothing. Once `is_settled`, it only goes forward."""

    steps: tuple[StepPlan, ...]
    undo: tuple[StepPlan, ...] = ()
    is_settled: Callable[[Work], bool] = lambda _: False


COURSES: dict[str, Course] = {
    OperationKind.CREATE: Course(CREATE_STEPS, REMOVE_STEPS),
    OperationKind.UPGRADE: Course(
        (*BACK_UP_FIRST, *SWAP_STEPS), (*UNDO_STEPS, *UNDO_BACK_UP_FIRST), is_settled
    ),
    OperationKind.ROLLBACK: Course(SWAP_STEPS, UNDO_STEPS, is_settled),
    OperationKind.BACK_UP: Course(BACK_UP_STEPS, UNDO_BACK_UP_STEPS),
    OperationKind.DRILL: Course(DRILL_STEPS, UNDO_DRILL_STEPS),
    OperationKind.RESTORE: Course(RESTORE_STEPS, UNDO_RESTORE_STEPS),
    OperationKind.EXPORT: Course(EXPORT_STEPS, UNDO_EXPORT_STEPS),
    OperationKind.STAY: Course(STAY_STEPS),
    OperationKind.MOVE: Course(MOVE_STEPS, UNDO_MOVE_STEPS, is_led_away),
    OperationKind.ERASE: Course(ERASE_STEPS),
    OperationKind.FORGET: Course(FORGET_STEPS),
    OperationKind.REMOVE: Course(REMOVE_STEPS),
}
