"""Run an Operation: walk its steps, record each before and after, wait, undo, continue."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

from provisioner.engine.context import Context
from provisioner.engine.courses import COURSES
from provisioner.engine.lease import Lease
from provisioner.engine.work import StepPlan, Work
from provisioner.errors import TaarafoError, TookTooLong, Unavailable
from provisioner.models.operation import Operation, OperationState, Step, StepState
from provisioner.models.words import STEP_WORDS
from provisioner.store.holding import LeaseLost

log = logging.getLogger(__name__)
SAY_AFTER = timedelta(seconds=2)  # shorter waits are not worth a sentence


def new_worker_name() -> str:
    """Unique for each run, so that a restarted worker never mistakes an old lease for its own."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"


def run_operation(context: Context, operation_id: str) -> bool:
    """Carry an Operation as far as it goes; False when another worker has it or it is over."""
    lease = Lease(context, operation_id, new_worker_name())
    if not lease.take():
        return False
    with lease:
        try:
            Runner(context, operation_id, lease).run()
        except (LeaseLost, Unavailable) as reason:
            log.warning("operation %s left to the next worker: %r", operation_id[:8], reason)
    return True


def run_stranded(context: Context) -> int:
    """Continue everything that no living worker holds. Returns how many were taken."""
    stranded = context.store.list_stranded(context.clock.now())
    return sum(run_operation(context, operation_id) for operation_id in stranded)


class Runner:
    """Walks one leased Operation. Every write compares the lease first."""

    def __init__(self, context: Context, operation_id: str, lease: Lease) -> None:
        self._context, self._store, self._lease = context, context.store, lease
        self._id = operation_id
        operation = self._store.get_operation(operation_id)
        self._operation: Operation = operation
        self._step_name = ""
        community = self._store.get_community(operation.community_id)
        self._work = Work(context, operation, community, self._note, lease.hold)

    def run(self) -> None:
        if self._operation.state == OperationState.UNDOING:
            self._undo(self._operation.message, self._operation.error_code)
            return
        self._move(OperationState.RUNNING)
        try:
            self._walk(COURSES[self._operation.kind].steps)
        except LeaseLost:
            raise
        except TaarafoError as error:
            self._note(f"{error.code}: {error.detail or error.explain()}")
            self._fail(error.explain(), error.code)
        except Exception as error:
            log.exception("operation %s failed unexpectedly", self._id[:8])
            self._note(f"unexpected: {type(error).__name__}")
            self._fail(
                f"Something unexpected happened. Nothing was lost. Reference {self._id[:8]}.",
                TaarafoError.code,
            )
        else:
            self._end(OperationState.DONE)

    # -- walking -------------------------------------------------------------------------------

    def _walk(self, plans: Sequence[StepPlan]) -> None:
        rows = {row.name: row for row in self._store.plan_steps(self._id, [p.name for p in plans])}
        for plan in plans:
            if rows[plan.name].state != StepState.DONE:
                self._take_step(plan, rows[plan.name])

    def _take_step(self, plan: StepPlan, row: Step) -> None:
        self._step_name, self._work.step = plan.name, row.position
        self._lease.check()
        self._record(row, StepState.STARTED)
        try:
            self._try_until_done(plan)
        except TaarafoError as error:
            self._record(row, StepState.FAILED)
            if plan.is_vital:
                raise
            self._note(f"went on without it: {error.code}: {error.detail or error.explain()}")
            return
        self._lease.check()
        self._record(row, StepState.DONE)

    def _record(self, row: Step, state: StepState) -> None:
        self._store.record_step(row, state, self._context.clock.now(), hold=self._lease.hold)

    def _try_until_done(self, plan: StepPlan) -> None:
        clock, began, has_said = self._context.clock, self._context.clock.now(), False
        deadline = plan.deadline_seconds or self._context.settings.step_deadline_seconds
        while True:
            self._lease.check()
            try:
                plan.effect(self._work)
            except Unavailable as reason:
                waited = clock.now() - began
                if waited > timedelta(seconds=deadline):
                    what = STEP_WORDS[plan.name]
                    raise TookTooLong(str(reason), what=what, seconds=deadline) from reason
                if waited > SAY_AFTER and not has_said:
                    has_said = True
                    self._note(f"waiting: {reason.detail or reason.explain()}")
                    self._move(OperationState.WAITING, reason.explain())
                clock.sleep(plan.pause_after(waited))
            else:
                if has_said:
                    self._move(OperationState.RUNNING)
                return

    # -- ending --------------------------------------------------------------------------------

    def _fail(self, message: str, code: str) -> None:
        course = COURSES[self._operation.kind]
        if course.is_settled(self._work):
            self._leave(OperationState.WAITING, message, code)
        elif course.undo:
            self._undo(message, code)
        else:
            self._end(OperationState.FAILED, message, code)

    def _undo(self, message: str, code: str) -> None:
        """Take away all that was made. What cannot be undone now is tried again by the sweep."""
        self._move(OperationState.UNDOING, message, error_code=code)
        try:
            self._walk(COURSES[self._operation.kind].undo)
        except TaarafoError as error:
            self._note(f"undoing waits: {error.code}: {error.detail or error.explain()}")
            self._leave(OperationState.UNDOING, message, code)
            return
        self._end(OperationState.FAILED, message, code)

    def _leave(self, state: OperationState, message: str, code: str) -> None:
        """To the next sweep: what has to be done cannot be done now."""
        self._move(state, message, error_code=code, leased_until=None, leased_by="")

    def _end(self, state: OperationState, message: str = "", code: str = "") -> None:
        self._lease.check()
        self._store.record_end(
            self._id,
            self._lease.worker,
            state,
            self._context.clock.now(),
            message=message,
            error_code=code,
        )

    def _move(self, state: OperationState, message: str = "", **more: object) -> None:
        if not self._store.record_state(self._id, self._lease.worker, state, message, **more):
            raise LeaseLost(self._id)

    def _note(self, text: str) -> None:
        self._store.log(self._id, self._step_name, text, self._context.clock.now())
