"""Every community at a glance, and one of them in full."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import render_template, request, url_for

from provisioner.core.promises import describe_promises
from provisioner.core.versions import version_of
from provisioner.engine.chores import list_troubles
from provisioner.engine.machine.own_verdict import find_own_verdict
from provisioner.engine.quota import list_warnings
from provisioner.engine.remove import needs_copy
from provisioner.engine.totals import count_communities
from provisioner.engine.upgrades.wishes import explain_channel
from provisioner.errors import TaarafoError
from provisioner.models.community import GONE, Community, CommunityState
from provisioner.models.release import CHANNELS
from provisioner.store import Page
from web.check import words
from web.check.past import show_past
from web.current import get_context, get_settings
from web.operator.door import blueprint
from web.operator.room import show_room

A_PAGE = 50
CHANGES_SHOWN = 10
BACKUPS_SHOWN = 10
LAST_PAGE = 100_000


@dataclass(frozen=True)
class Wanted:
    """What the address of the list asks for; what cannot be meant is left out."""

    search: str
    state: str
    page: int

    @property
    def is_narrowed(self) -> bool:
        return bool(self.search or self.state)

    def url(self, page: int) -> str:
        return url_for(
            "operator.list_communities",
            search=self.search or None,
            state=self.state or None,
            page=page if page > 1 else None,
        )


@blueprint.get("")
def list_communities() -> str:
    """The same few queries for one community and for ten thousand."""
    context, wanted = get_context(), _read_wanted()
    page = context.store.list_communities(
        search=wanted.search,
        state=wanted.state,
        offset=(wanted.page - 1) * A_PAGE,
        limit=A_PAGE,
    )
    ids = [row.id for row in page.rows]
    return render_template(
        "operator/communities.html",
        backups=context.store.find_backups(ids),
        drills=context.store.find_drills(ids),
        page=page,
        wanted=wanted,
        last_page=_count_pages(page),
        totals=count_communities(context),
        own=find_own_verdict(context),
        troubles=list_troubles(context),
        warnings=list_warnings(context),
        ourselves=context.settings.address,
        states=tuple(CommunityState),
    )


@blueprint.get("/communities/<community_id>")
def show_community(community_id: str) -> str:
    return render_community(get_context().store.get_community(community_id))


def render_community(
    community: Community,
    problem: TaarafoError | None = None,
    *,
    refused: TaarafoError | None = None,
    too_much: TaarafoError | None = None,
) -> str:
    """`problem` belongs to the form that removes it, `refused` to those of its version, `too_much`
    to that of its quota."""
    return render_template(
        "operator/community.html",
        community=community,
        url=f"{get_settings().scheme}://{community.address}",
        promises=describe_promises(community.promised),
        findings=community.verdict_detail.get("findings", []),
        measured_at=_read_moment(community.verdict_detail.get("measured_at")),
        backups=get_context().store.list_backups(community.id)[:BACKUPS_SHOWN],
        drill=get_context().store.find_drills([community.id]).get(community.id),
        past=show_past(get_context(), community, changes=CHANGES_SHOWN),
        words=words,
        operations=get_context().store.list_operations(community.id),
        room=show_room(get_context(), community, request.form.get("quota", "") if too_much else ""),
        is_gone=community.state in GONE,
        is_running=community.state == CommunityState.RUNNING,
        needs_copy=needs_copy(get_context(), community),
        problem=problem,
        refused=refused,
        too_much=too_much,
        version_of=version_of,
        channels=CHANNELS,
        of_channel=explain_channel(get_context(), community),
    )


def _read_wanted() -> Wanted:
    state = request.args.get("state", "")
    page = request.args.get("page", 1, type=int)
    return Wanted(
        search=request.args.get("search", "").strip()[:100],
        state=state if state in tuple(CommunityState) else "",
        page=min(max(page, 1), LAST_PAGE),
    )


def _read_moment(text: object) -> datetime | None:
    """Verdicts keep the moment as text, empty when nothing was measured."""
    return datetime.fromisoformat(text) if isinstance(text, str) and text else None


def _count_pages(page: Page) -> int:
    return max(1, -(-page.total // A_PAGE))
