"""Write one API answer: a model as JSON, or an error as what happened and what to do next."""

from __future__ import annotations

import logging
import secrets

from flask import Response, request
from werkzeug.exceptions import HTTPException

from provisioner.errors import BadInput, NameRefused, TaarafoError, TokenMissing
from web.api.request import Unreadable
from web.api.schema import Model, Problem, Trouble

log = logging.getLogger(__name__)
BY_STATUS: dict[int, tuple[str, str, str]] = {
    400: ("bad-request", "The request did not arrive whole.", "Send it again."),
    404: ("not-found", "There is nothing at this address.", "See /api/v1/openapi.json."),
    405: ("wrong-method", "This address does not take that method.", "Take one that Allow names."),
    413: ("too-large", "The request is too large.", "Make it shorter."),
    415: ("not-json", "The body has to be JSON.", "Send it with Content-Type: application/json."),
    421: ("wrong-host", "This host name is not ours.", "Use the address of the control plane."),
    429: ("too-many", "That was tried very often in a short time.", "Wait a little, try again."),
}


def write_answer(model: Model, status: int = 200) -> Response:
    """Never kept by anything between: answers are for the token's holder."""
    response = Response(model.model_dump_json(), status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def write_trouble(error: Exception) -> Response:
    """The outermost layer of the API. What nobody expected is logged under a reference."""
    trouble, status = describe_trouble(error)
    response = write_answer(trouble, status)
    if isinstance(error, TokenMissing):
        response.headers["WWW-Authenticate"] = 'Bearer realm="taarafo"'
    if isinstance(error, HTTPException):
        kept = [(k, v) for k, v in error.get_headers() if k in ("Allow", "Retry-After")]
        response.headers.extend(kept)
    return response


def describe_trouble(error: Exception) -> tuple[Trouble, int]:
    if isinstance(error, HTTPException):
        status = error.code or 500
        code, explain, next_step = BY_STATUS.get(status, BY_STATUS[400])
        return Trouble(code=code, explain=explain, next_step=next_step), status
    known = error if isinstance(error, TaarafoError) else TaarafoError()
    return Trouble(
        code=known.code,
        explain=known.explain(),
        next_step=_say_next(known),
        problems=_list_problems(known),
        reference="" if known is error else _record(error),
    ), known.http_status


def _say_next(error: TaarafoError) -> str:
    """A form keeps what was typed; a program has to send it again."""
    if isinstance(error, BadInput) and error.advice == BadInput.advice:
        return "Change it and send it again. Nothing was changed."
    return error.next_step()


def _list_problems(error: TaarafoError) -> list[Problem]:
    if isinstance(error, Unreadable):
        return [Problem(field=field, problem=problem) for field, problem in error.problems]
    field = getattr(error, "field", "")
    if not field:
        return []
    # a founder's form calls it her address; here it is the label
    named = "label" if isinstance(error, NameRefused) else field
    return [Problem(field=named, problem=error.explain())]


def _record(error: Exception) -> str:
    reference = secrets.token_hex(4)
    log.error("reference %s at %s", reference, request.endpoint, exc_info=error)
    return reference
