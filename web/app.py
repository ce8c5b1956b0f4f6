"""The web application: one blueprint per audience behind one guard."""

from __future__ import annotations

from flask import Flask, Response
from flask_wtf.csrf import CSRFProtect
from sqlmodel import select

from provisioner.engine.context import Context
from provisioner.models.verdict import ALARMING
from web import api, check, console, operator, wizard
from web.assets import install_assets
from web.current import CONTEXT, get_context
from web.edge import TrustOnlyTheEdge
from web.limits import install_limits
from web.safety import install_safety
from web.trouble import install_trouble


def create_app(context: Context) -> Flask:
    """Everything people see. Touches no Docker; the database and the queue are enough."""
    app = Flask("web", template_folder="pages", static_folder="static")
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    app.extensions[CONTEXT] = context
    app.wsgi_app = TrustOnlyTheEdge(app.wsgi_app)  # type: ignore[method-assign]
    app.jinja_env.tests["alarming"] = ALARMING.__contains__
    install_assets(app)
    install_trouble(app)
    csrf = install_safety(app, context.settings)
    app.add_url_rule("/healthz", "healthz", answer_health)
    register_audiences(app, csrf)
    install_limits(app)
    return app


def register_audiences(app: Flask, csrf: CSRFProtect) -> None:
    """Each audience's package offers one `blueprint`. The API has tokens instead of forms."""
    for blueprint in (wizard.blueprint, console.blueprint, operator.blueprint, check.blueprint):
        app.register_blueprint(blueprint)
    app.register_blueprint(api.blueprint)
    csrf.exempt(api.blueprint)  # type: ignore[no-untyped-call]


def answer_health() -> Response:
    """200 when the database answers; an error page with 503 otherwise."""
    with get_context().store.session(writes=False) as session:
        session.exec(select(1)).one()
    return Response("ok\n", mimetype="text/plain")
