"""A worker that is killed with SIGKILL after the effect of one step, before it is recorded.

    python -m tests.live.doomed_worker OPERATION STEP

The step's effect is the real one; only the moment of death is arranged.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace

from provisioner.engine import operations
from provisioner.engine.context import Context
from provisioner.engine.courses import COURSES
from provisioner.engine.work import StepPlan, Work
from provisioner.settings import Settings


def doom(plan: StepPlan) -> StepPlan:
    def effect(work: Work) -> None:
        plan.effect(work)
        os.kill(os.getpid(), signal.SIGKILL)

    return replace(plan, effect=effect)


def main(operation_id: str, step: str) -> None:
    for kind, course in COURSES.items():
        steps, undo = (
            tuple(doom(p) if p.name == step else p for p in plans)
            for plans in (course.steps, course.undo)
        )
        COURSES[kind] = replace(course, steps=steps, undo=undo)
    operations.run_operation(Context(Settings()), operation_id)


if __name__ == "__main__":
    main(*sys.argv[1:])
