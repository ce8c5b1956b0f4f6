"""Check a community as any member could, and keep what came out for the dashboard."""

from __future__ import annotations

from provisioner.engine.check import check, published_at
from provisioner.engine.context import Context
from provisioner.models.community import Community
from provisioner.models.verdict import Verdict


def record_verdict(context: Context, community: Community) -> Verdict:
    """Never raises for what is a finding."""
    verdict = check_community(context, community.address)
    context.store.change_community(
        community.id,
        verdict=verdict.outcome,
        verdict_detail=verdict.as_json(),
        checked_at=context.clock.now(),
    )
    return verdict


def check_community(context: Context, address: str) -> Verdict:
    """The verdict on one community of this control plane, asked through its edge."""

    def fetch(asked: str, path: str) -> bytes | None:
        return context.gateway.get_bytes(asked.partition(":")[0], path)

    return check(
        address,
        now=context.clock.now(),
        fetch=fetch,
        releases=context.releases,
        enrolled=published_at(context.settings.base_host, fetch),
    )
