"""Steps of an Operation, and its log."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from provisioner.models.operation import (
    LogLine,
    Step,
    StepState,
)
from provisioner.store.database import Database
from provisioner.store.holding import Hold, require


class Steps(Database):
    """Rows of steps and log lines, in their order."""

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
        self, step: Step, state: StepState, now: datetime, *, hold: Hold | None = None
    ) -> None:
        """Raises LeaseLost."""
        step.state = state
        if state is StepState.STARTED:
            step.started_at = step.started_at or now
        else:
            step.finished_at = now
        with self.session() as session:
            require(session, hold)
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


def _read_steps(session: Session, operation_id: str) -> list[Step]:
    query = select(Step).where(Step.operation_id == operation_id).order_by(col(Step.position))
    return list(session.exec(query).all())
