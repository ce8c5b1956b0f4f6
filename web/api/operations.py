"""Operations: how far one is, its steps and its log."""

from __future__ import annotations

from provisioner.engine.describe import describe_operation
from provisioner.engine.progress import get_progress
from web.api.endpoint import Call, Endpoint
from web.api.schema import Log, LogLine, LogQuery, OperationWhole, StepShown


def show_operation(call: Call) -> OperationWhole:
    operation = call.context.store.get_operation(call.path["operation"])
    progress = get_progress(call.context, operation.id)
    return OperationWhole.model_validate(
        {
            **describe_operation(operation),
            "percent": progress.percent,
            "is_over": progress.is_over,
            "steps": [
                StepShown.model_validate({"name": s.name, "words": s.words, "state": s.state})
                for s in progress.steps
            ],
        }
    )


def show_log(call: Call) -> Log:
    operation = call.context.store.get_operation(call.path["operation"])
    lines = [
        LogLine(id=line.id or 0, step=line.step, at=line.at, text=line.text)
        for line in call.context.store.list_log(operation.id, after=call.query.after)
    ]
    return Log(lines=lines, last_id=lines[-1].id if lines else call.query.after)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/operations/{operation}",
        "show_operation",
        "One operation with its steps",
        show_operation,
        OperationWhole,
    ),
    Endpoint(
        "GET",
        "/operations/{operation}/log",
        "show_log",
        "What its steps wrote, oldest first",
        show_log,
        Log,
        query=LogQuery,
    ),
)
