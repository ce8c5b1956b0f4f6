"""Wait for a keeper's job and believe only what it reports; an exit code alone is no success."""

from __future__ import annotations

import json
from typing import Any

from provisioner.engine.context import Context
from provisioner.engine.work import Work
from provisioner.errors import BackupFailed, Unavailable
from provisioner.models.service import JobSpec, JobState
from provisioner.node.report import MARK, WORD

LINES = 50
LATE_TRIES, LATE_SECONDS = 50, 0.1  # a report may arrive a moment after its job has ended


def await_report(work: Work, job: JobSpec, part: str) -> dict[str, Any]:
    """What the job says it did. Raises Unavailable while it runs, and BackupFailed."""
    name, engine = job.service.name, work.context.engine
    state = engine.get_job_state(name)
    if state is JobState.MISSING:
        engine.start_job(job)
    if state in (JobState.MISSING, JobState.RUNNING):
        raise Unavailable(f"{name} is {state}", part=part)
    told = find_report(work.context, name)
    if told is None:
        task = engine.find_task(name)
        detail = f"{name} is {state} without a report: {task.message if task else 'gone'}"
        raise BackupFailed(detail, reason="the work was cut off before it said what it did")
    if "error" in told or state is not JobState.SUCCEEDED:
        reason = str(told.get("error", "it failed after it had reported"))
        raise BackupFailed(f"{name}: {told.get('detail', '')}", reason=reason)
    return told


def await_word(work: Work, job: JobSpec, word: str, part: str) -> None:
    """Returns once the job has said `word`. Raises Unavailable until then, and BackupFailed."""
    name, engine = job.service.name, work.context.engine
    if engine.get_job_state(name) is JobState.RUNNING:
        if word not in read_words(work.context, name):
            raise Unavailable(f"{name} has not said “{word}”", part=part)
    else:
        await_report(work, job, part)


def await_command(work: Work, job: JobSpec, part: str, reason: str) -> None:
    """Returns once it succeeded. Raises Unavailable while it runs, and BackupFailed."""
    name, engine = job.service.name, work.context.engine
    state = engine.get_job_state(name)
    if state is JobState.MISSING:
        engine.start_job(job)
    if state in (JobState.MISSING, JobState.RUNNING):
        raise Unavailable(f"{name} is {state}", part=part)
    if state is JobState.FAILED:
        for line in engine.read_logs(name, lines=20):
            work.log(line)
        raise BackupFailed(f"{name} failed", reason=reason)


def find_report(context: Context, name: str) -> dict[str, Any] | None:
    """What a job that has ended said; None when it said nothing."""
    for _ in range(LATE_TRIES):
        for line in reversed(context.engine.read_logs(name, lines=LINES)):
            if told := _read(line, MARK):
                return told
        context.clock.sleep(LATE_SECONDS)
    return None


def read_words(context: Context, name: str) -> list[str]:
    """What a job has said so far of how far it is."""
    lines = context.engine.read_logs(name, lines=LINES)
    return [told[WORD] for line in lines if (told := _read(line, WORD))]


def _read(line: str, mark: str) -> dict[str, Any] | None:
    try:
        told = json.loads(line)
    except ValueError:
        return None
    return told if isinstance(told, dict) and mark in told else None
