"""/check/<address>/feed.atom: every recorded change as an entry (RFC 4287)."""

from __future__ import annotations

from flask import make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response as BaseResponse

from provisioner.core.appraisal.wording import LIMIT
from provisioner.models.community import Community
from provisioner.settings import Settings
from web.check.blueprint import LOOKS, blueprint
from web.check.past import show_past
from web.check.recorded import find_recorded
from web.check.routes import read_typed, say_nothing_there
from web.current import get_context, get_settings
from web.limits import limited


@blueprint.get("/<path:address>/feed.atom")
@limited("30 per minute", methods=LOOKS)
def show_feed(address: str) -> ResponseReturnValue:
    """An address without a recorded report gets 404, whatever the reason."""
    context, settings, whole = get_context(), get_settings(), read_typed(address)
    recorded = find_recorded(context, whole)
    if recorded is None:
        return say_nothing_there(whole)
    community = recorded.community
    feed = render_template(
        "check/feed.xml",
        address=whole,
        id=name_feed(settings, community),
        author=settings.url,
        page_url=settings.url + url_for("check.show", address=whole),
        feed_url=settings.url + url_for("check.show_feed", address=whole),
        limit=LIMIT,
        begun_at=community.created_at,
        changes=show_past(context, community).changes,
    )
    return _answer(feed)


def name_feed(settings: Settings, community: Community) -> str:
    """`tag:localhost,2026-01-02:check/<id>` (RFC 4151): another one for who has the address next.

    The name may only say when we had the host: the community's first day is such a day.
    """
    return f"tag:{settings.base_host},{community.created_at:%Y-%m-%d}:check/{community.id}"


def _answer(feed: str) -> BaseResponse:
    """Who has it already is told so, and reads nothing twice."""
    response = make_response(feed)
    response.mimetype = "application/atom+xml"
    response.headers["Cache-Control"] = "public, max-age=60"
    response.add_etag()
    return response.make_conditional(request)
