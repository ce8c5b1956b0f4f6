"""Status: the control plane at a glance."""

from __future__ import annotations

from provisioner.engine.chores import list_troubles
from provisioner.engine.quota import list_warnings
from provisioner.engine.totals import count_communities
from web.api.endpoint import Call, Endpoint
from web.api.schema import Status


def show_status(call: Call) -> Status:
    totals = count_communities(call.context)
    return Status.model_validate(
        {
            "url": call.context.settings.url,
            "communities": totals.by_state,
            "verdicts": totals.by_verdict,
            "memory_mb": totals.memory_mb,
            "open_operations": totals.open_operations,
            "troubles": [trouble.explain() for trouble in list_troubles(call.context)],
            "warnings": list_warnings(call.context),
        }
    )


ENDPOINTS = (
    Endpoint("GET", "/status", "show_status", "The control plane at a glance", show_status, Status),
)
