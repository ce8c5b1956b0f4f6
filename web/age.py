"""Moments as people say them, with the exact time for who points at it."""

from __future__ import annotations

from datetime import UTC, datetime

from flask.sansio.app import App
from markupsafe import Markup

from provisioner.core.appraisal.wording import say_age
from web.current import get_context


def install_age(app: App) -> None:
    """Offers `moment | age` to every page. Installing it again changes nothing."""
    app.jinja_env.filters["age"] = show_age


def show_age(moment: datetime | None) -> Markup:
    """`<time datetime="…" title="2026-11-24 00:02:11 UTC">4 minutes ago</time>`."""
    if moment is None:
        return Markup("never")
    exact = moment.astimezone(UTC)
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        exact.isoformat(timespec="seconds"),
        exact.strftime("%Y-%m-%d %H:%M:%S"),
        say_age(moment, get_context().clock.now()),
    )
