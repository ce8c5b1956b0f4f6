"""The steps that remove a community, and undo one whose creation failed.

They need nothing but its name: what a half-made community left behind is found by prefix.
"""

from __future__ import annotations

from collections.abc import Callable

from provisioner.core.node_jobs import plan_erase
from provisioner.engine.checks.history import forget_history
from provisioner.engine.create_steps import await_job
from provisioner.engine.work import StepPlan, Work
from provisioner.models.community import CommunityState
from provisioner.models.operation import OperationKind


def stop_service(work: Work) -> None:
    _remove_each(work, "service", work.context.engine.remove_service)


def remove_network(work: Work) -> None:
    _remove_each(work, "network", work.context.engine.remove_network)


def remove_secrets(work: Work) -> None:
    _remove_each(work, "secret", work.context.engine.remove_secret)
    _remove_each(work, "config", work.context.engine.remove_config)


def erase_data(work: Work) -> None:
    """On the node that holds it; done when the job says so."""
    job, engine = plan_erase(work.community, work.place_on_nodes), work.context.engine
    engine.start_job(job)
    await_job(work, job.service.name, "the last traces to go")
    engine.remove_service(job.service.name)


def free_name(work: Work) -> None:
    """A creation that failed stays readable for its founder; a removal forgets the person.

    Both forget what was ever found there. No check is recorded once it is gone, so nothing comes
    back after that.
    """
    is_removal = work.operation.kind == OperationKind.REMOVE
    forgotten: dict[str, object] = {"founder": "", "email": ""} if is_removal else {}
    work.change(
        state=CommunityState.REMOVED if is_removal else CommunityState.FAILED,
        reserved=None,
        sealed_secrets=b"",
        console_sha256="",
        memory_mb=None,
        reading_since=None,
        moved_to="",
        kept_until=None,
        verdict="",
        verdict_detail={},
        checked_at=None,
        **forgotten,
    )
    work.context.store.forget_community(work.community.id)
    with work.context.store.session() as session:
        forget_history(session, work.community.id)


def _remove_each(work: Work, kind: str, remove: Callable[[str], None]) -> None:
    for found in work.context.engine.list_named(work.name):
        found_kind, _, name = found.partition(":")
        if found_kind == kind:
            work.log(f"removing {found}")
            remove(name)


REMOVE_STEPS = (
    StepPlan("stop_service", stop_service),
    StepPlan("remove_network", remove_network),
    StepPlan("remove_secrets", remove_secrets),
    StepPlan("erase_data", erase_data, poll_seconds=0.05),
    StepPlan("free_name", free_name),
)
