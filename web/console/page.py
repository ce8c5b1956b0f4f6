"""Her page: opened once by its link, then at an address that holds no key."""

from __future__ import annotations

from datetime import datetime

from flask import Response, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as BaseResponse

from provisioner.core.promises import describe_promises
from provisioner.engine.backups.kit import has_kit
from provisioner.engine.create_steps import SIGNIN_LIFETIME
from provisioner.engine.keys import sha256_of
from provisioner.errors import NotAllowed
from provisioner.models.community import Community, CommunityState
from provisioner.models.operation import Operation, OperationKind
from provisioner.models.promise import Visibility
from web.check.badge import write_snippet
from web.console.blueprint import blueprint
from web.console.keeping import describe_keeping
from web.console.news import tell_versions
from web.console.room import describe_room
from web.console.verdict import describe_verdict
from web.current import get_context
from web.holding import find_held, grant
from web.wizard.countries import list_countries
from web.wizard.ready import hand_over
from web.wizard.show import go_to_making


@blueprint.get("/<string(length=43):token>")
def open_page(token: str) -> Response:
    """Remember this browser, then leave the key (43 letters; a label has 32) out of the address."""
    digest = sha256_of(token)
    community = get_context().store.find_by_console(digest)
    if community is None:
        raise NotAllowed("no page has this key")
    path = url_for("console.show_page", label=community.label)
    response = make_response(redirect(path, 303))
    response.headers["Cache-Control"] = "no-store"
    grant(response, path, digest)
    return response


@blueprint.get("/<string(maxlength=32):label>")
def show_page(label: str) -> BaseResponse:
    community = get_mine(label)
    if operation := find_open_removal(community):
        return go_to_making(operation)
    if community.state == CommunityState.REMOVING:  # it was begun and did not work out
        return redirect(url_for("console.show_removal", label=label), 303)
    context = get_context()
    now = context.clock.now()
    page = render_template(
        "console/page.html",
        community=community,
        home=f"{context.settings.scheme}://{community.address}",
        keys=hand_over(community),
        is_new=now < community.created_at + SIGNIN_LIFETIME,
        promises=describe_promises(community.promised),
        country=list_countries().get(community.promised.country, ""),
        verdict=describe_verdict(community, now),
        keeping=describe_keeping(context, community),
        has_kit=has_kit(context, community),
        room=describe_room(context, community),
        news=tell_versions(context, community),
        snippet=write_snippet(context.settings, community.address),
        is_hidden=community.promised.visibility == Visibility.HIDDEN,
        since=_say_day(community.ready_at or community.created_at),
    )
    response: Response = make_response(page)
    response.headers["Cache-Control"] = "no-store"
    return response


def get_mine(label: str) -> Community:
    """The community whose link this browser opened. Raises NotAllowed."""
    digest = find_held(url_for("console.show_page", label=label))
    community = get_context().store.find_by_console(digest)
    if community is None or community.label != label:
        raise NotAllowed("this browser did not open the page's link")
    return community


def find_open_removal(community: Community) -> Operation | None:
    """The removal that is under way."""
    for operation in get_context().store.list_operations(community.id):
        if operation.kind == OperationKind.REMOVE and operation.active_for:
            return operation
    return None


def _say_day(moment: datetime) -> str:
    """`4 March 2026`."""
    return f"{moment.day} {moment:%B %Y}"
