"""Check a community as any member could, and keep what came out for everybody to see."""

from __future__ import annotations

from http import HTTPStatus

from sqlmodel import col, update

from provisioner.engine.checks.check import check, published_at
from provisioner.engine.checks.history import record_in_history
from provisioner.engine.context import Context
from provisioner.models.community import GONE, Community
from provisioner.models.verdict import Verdict


def record_verdict(context: Context, community: Community) -> Verdict:
    """Never raises for what is a finding."""
    verdict = check_community(context, community.address)
    now = context.clock.now()
    # one that was removed while it was being asked stays forgotten
    is_here = (col(Community.id) == community.id, col(Community.state).not_in(GONE))
    keep = update(Community).where(*is_here)
    with context.store.session() as session:
        kept = session.exec(
            keep.values(verdict=verdict.outcome, verdict_detail=verdict.as_json(), checked_at=now)
        )
        if kept.rowcount:
            record_in_history(session, community.id, verdict, now)
    return verdict


def check_community(context: Context, address: str, *, is_asked: bool = False) -> Verdict:
    """The verdict on one community of this control plane, asked through its edge.

    With `is_asked` its agent has to answer a question of our own.
    """

    def fetch(asked: str, path: str) -> bytes | None:
        return context.gateway.get_bytes(asked.partition(":")[0], path)

    def ask(asked: str, path: str, body: bytes) -> bytes | None:
        status, answer = context.gateway.post(asked.partition(":")[0], path, body, {})
        return answer if status == HTTPStatus.OK else None

    return check(
        address,
        now=context.clock.now(),
        fetch=fetch,
        releases=context.releases,
        enrolled=published_at(context.settings.base_host, fetch),
        ask=ask if is_asked else None,
        observe=context.fetch_soon if is_asked else None,
        keep=lambda division: str(context.releases.keep_shown(division)),
    )
