"""What runs here now: each service of the control plane, and how many communities."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from provisioner.core.control_plane import PARTS
from provisioner.engine.chores import list_troubles
from provisioner.engine.context import Context
from provisioner.engine.machine.own_journal import find_journal
from provisioner.engine.machine.own_verdict import find_own_verdict
from provisioner.engine.quota import list_warnings
from provisioner.errors import TaarafoError
from provisioner.models.community import CommunityState

SERVICES = PARTS


@dataclass(frozen=True)
class Status:
    """`services` by name: Swarm's word for the newest task, or `absent`.

    `verdict` is the outcome of the last check of the control plane itself, at `checked_at` (UTC,
    ISO 8601); both are empty before the first. `troubles` are sentences about the worker's chores,
    `warnings` about disks and communities that are nearly full.
    """

    url: str
    is_answering: bool
    services: dict[str, str]
    communities: int
    open_operations: int
    verdict: str
    checked_at: str
    troubles: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def is_healthy(self) -> bool:
        return self.is_answering and all(state == "running" for state in self.services.values())

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "is_healthy": self.is_healthy}

    def as_text(self) -> str:
        lines = [f"{name:10} {state}" for name, state in self.services.items()]
        word = "answers" if self.is_answering else "does not answer"
        own = f"this control plane: {self.verdict or 'not checked yet'}"
        lines = [f"{self.url} {word}", *lines, f"{self.communities} communities", own]
        return "\n".join([*lines, *self.troubles, *self.warnings])


def read_status(context: Context) -> Status:
    """Never raises for what is down: that is the answer."""
    settings, own = context.settings, find_own_verdict(context)
    return Status(
        url=settings.url,
        is_answering=_is_answering(context),
        services={name: _state_of(context, f"{settings.stack}-{name}") for name in SERVICES},
        communities=_count(context),
        open_operations=_count_open(context),
        verdict=own.outcome if own else "",
        checked_at=own.checked_at.isoformat() if own else "",
        troubles=(*_say_unfinished(context), *(each.explain() for each in list_troubles(context))),
        warnings=_list_warnings(context),
    )


def _say_unfinished(context: Context) -> list[str]:
    """Only on the machine itself: nobody else may look into that folder."""
    try:
        journal = find_journal(context.settings)
    except (TaarafoError, OSError):
        return ["The journal of an upgrade of the control plane cannot be read."]
    told = "The control plane is being upgraded. If that was interrupted, run ./taarafo up."
    return [told] if journal else []


def _is_answering(context: Context) -> bool:
    try:
        return context.gateway.get_status(context.settings.base_host, "/healthz") == 200
    except TaarafoError:
        return False


def _state_of(context: Context, name: str) -> str:
    try:
        task = context.engine.find_task(name)
    except TaarafoError:
        return "absent"
    return task.state if task else "absent"


def _list_warnings(context: Context) -> tuple[str, ...]:
    try:
        return tuple(list_warnings(context))
    except TaarafoError:
        return ()


def _count(context: Context) -> int:
    try:
        return context.store.list_communities(state=CommunityState.RUNNING, limit=1).total
    except TaarafoError:
        return 0


def _count_open(context: Context) -> int:
    try:
        return context.store.count_open()
    except TaarafoError:
        return 0
