"""What was recorded of an address at the last check, without asking anybody anew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from provisioner.core.versions import version_of
from provisioner.engine.context import Context
from provisioner.models.community import Community, CommunityState
from provisioner.models.verdict import Verdict, is_nothing_there, read_verdict


@dataclass(frozen=True)
class Recorded:
    """A report that was met, and when that was."""

    community: Community
    verdict: Verdict
    checked_at: datetime

    @property
    def version(self) -> str:
        return version_of(self.verdict.release)


def find_recorded(context: Context, address: str) -> Recorded | None:
    """None for a slip, what never was, what is gone, not checked yet or silent: all alike."""
    community = find_running(context, address)
    if community is None or community.checked_at is None:
        return None
    verdict = read_verdict(community.verdict_detail)
    if is_nothing_there(verdict):
        return None
    return Recorded(community, verdict, community.checked_at)


def find_running(context: Context, address: str) -> Community | None:
    """By its whole address only; one query."""
    found = find_here(context, address)
    return found if found and found.state == CommunityState.RUNNING else None


def find_here(context: Context, address: str) -> Community | None:
    """Whoever has, or had, this whole address; one query."""
    found = context.store.find_community(address)
    return found if found and found.address == address else None
