"""The web application: one blueprint per reason to come."""

from __future__ import annotations

from flask import Flask

from ..catalogue import read_catalogue
from ..config import read_config
from ..settings import Settings
from . import about, context, csrf, entering, errors, feed, gate, headers, me, media, owner, people
from .forms import Request
from .words import words_for_pages

MOST_BYTES = 160 * 1024 * 1024
SESSION_SECRET = "session"  # noqa: S105 - the name of the secret


class Community(Flask):
    request_class = Request


def create_app(settings: Settings) -> Flask:
    """The app for one community. Reads its config and secret; touches no database yet."""
    app = Community("app", template_folder="pages", static_folder="static")
    app.config["MAX_CONTENT_LENGTH"] = MOST_BYTES
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions["here"] = context.Here(
        settings=settings,
        config=read_config(settings.config),
        catalogue=read_catalogue(),
        key=settings.secret(SESSION_SECRET),
    )
    for part in (about, entering, feed, people, media, me, owner):
        app.register_blueprint(part.pages)
    app.before_request(gate.identify)
    app.before_request(csrf.check)
    app.after_request(csrf.keep_visit)
    app.after_request(headers.protect)
    app.after_request(headers.drain)
    app.teardown_request(context.close_db)
    app.context_processor(words_for_pages)
    errors.install(app)
    return app
