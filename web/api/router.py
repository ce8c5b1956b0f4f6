"""The router of /api/v1: every endpoint behind one door that only a bearer token opens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.exceptions import NotFound as NoSuchPage

from web.api import checks, communities, operations, releases, rollouts, status, versions
from web.api.answer import write_answer, write_trouble
from web.api.document import write_document
from web.api.endpoint import Endpoint
from web.api.request import read_call, read_token
from web.current import get_context

PREFIX = "/api/v1"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS")
DOCUMENT = "/openapi.json"
ENDPOINTS: tuple[Endpoint, ...] = (
    *communities.ENDPOINTS,
    *operations.ENDPOINTS,
    *releases.ENDPOINTS,
    *versions.ENDPOINTS,
    *rollouts.ENDPOINTS,
    *checks.ENDPOINTS,
    *status.ENDPOINTS,
)


def make_blueprint() -> Blueprint:
    """Cookies are never looked at here, so a form on another site can do nothing."""
    blueprint = Blueprint("api", __name__, url_prefix=PREFIX)
    blueprint.register_error_handler(Exception, write_trouble)
    for endpoint in ENDPOINTS:
        blueprint.add_url_rule(
            endpoint.path.replace("{", "<").replace("}", ">"),
            endpoint.name,
            _view(endpoint),
            methods=[endpoint.method],
            provide_automatic_options=False,
        )
    blueprint.add_url_rule(DOCUMENT, "document", show_document, provide_automatic_options=False)
    for rule in ("/", "/<path:rest>"):
        blueprint.add_url_rule(
            rule, "elsewhere", answer_elsewhere, methods=METHODS, provide_automatic_options=False
        )
    return blueprint


def _view(endpoint: Endpoint) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        context = get_context()
        call = read_call(context, endpoint, path, read_token(context))
        given = endpoint.answer(call)
        response = write_answer(given, endpoint.status)
        if endpoint.leads_to:
            response.headers["Location"] = PREFIX + endpoint.leads_to(given)
        return response

    return view


def show_document() -> Response:
    """Open to all: it says nothing of what is here."""
    response = jsonify(write_document(ENDPOINTS, PREFIX))
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


def answer_elsewhere(rest: str = "") -> Response:
    """No such address, or not with this method; strangers are not told which."""
    path = "/" + rest
    if path != DOCUMENT:
        read_token(get_context())
    allowed = sorted({*_methods_of(path)})
    if not allowed:
        raise NoSuchPage
    if request.method != "OPTIONS":
        raise MethodNotAllowed(valid_methods=allowed)
    return Response(status=204, headers={"Allow": ", ".join(allowed)})


def _methods_of(path: str) -> Iterator[str]:
    if path == DOCUMENT:
        yield from ("GET", "HEAD", "OPTIONS")
    for endpoint in ENDPOINTS:
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", endpoint.path), path):
            yield from (endpoint.method, "OPTIONS")
            if endpoint.method == "GET":
                yield "HEAD"


blueprint = make_blueprint()
