"""/check/<address>/badge.svg: what was known at the last recorded check, to put on other pages.

It asks nobody anew. An address without a report gives the same bytes, whatever the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Response, make_response, render_template, url_for
from markupsafe import Markup

from provisioner.core.appraisal.wording import LIMIT, say_age
from provisioner.settings import Settings
from web.check.blueprint import LOOKS, blueprint
from web.check.recorded import Recorded, find_recorded
from web.check.routes import read_typed
from web.check.words import BADGES, NO_BADGE, SQUARES
from web.current import get_context
from web.limits import limited

LABEL = "Taarafo check"
PAD = 7
NARROW, WIDE = frozenset(" .,:·'’ijlIt1fr"), frozenset("mwMW")


@dataclass(frozen=True)
class Badge:
    """Two words beside each other; widths are in pixels, without their padding."""

    text: str
    kind: str
    title: str
    label: str = LABEL
    pad: int = PAD

    @property
    def label_width(self) -> int:
        return measure(self.label)

    @property
    def text_width(self) -> int:
        return measure(self.text)


@blueprint.get("/<path:address>/badge.svg")
@limited("300 per minute", methods=LOOKS)
def show_badge(address: str) -> Response:
    """Always 200, and for any page to embed."""
    context = get_context()
    badge = draw_badge(find_recorded(context, read_typed(address)), context.clock.now())
    response = make_response(render_template("check/badge.svg", badge=badge))
    response.mimetype = "image/svg+xml"
    response.headers["Cache-Control"] = "public, max-age=60"
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def draw_badge(recorded: Recorded | None, now: datetime) -> Badge:
    """`reports 1.0.0 · 4 minutes ago`."""
    if recorded is None:
        return Badge(NO_BADGE, SQUARES[None].kind, f"{LABEL}: {NO_BADGE}.")
    outcome = recorded.verdict.outcome
    said = BADGES[outcome].format(version=recorded.version or "a release")
    text = f"{said} · {say_age(recorded.checked_at, now)}"
    return Badge(text, SQUARES[outcome].kind, f"{LABEL}: {text}. {LIMIT}")


def write_snippet(settings: Settings, address: str) -> str:
    """The HTML that shows the badge on another page and leads to what was checked.

    A plain text: our own page shows it and must not take it for its own.
    """
    snippet = Markup('<a href="{}"><img src="{}" alt="{}" height="20"></a>').format(
        settings.url + url_for("check.show", address=address),
        settings.url + url_for("check.show_badge", address=address),
        f"What runs at {address}",
    )
    return str(snippet)


def measure(text: str) -> int:
    """About how wide it is at 11 px; the drawing stretches it to exactly that."""
    widths = (4.2 if c in NARROW else 9.6 if c in WIDE else 6.7 for c in text)
    return round(sum(widths))
