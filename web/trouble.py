"""The outermost layer: turn any error into a page that says what happened and what to do."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass

from flask import Flask, Response, jsonify, render_template, request
from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from provisioner.errors import NotAllowed, NotFound, OperatorError, ReleaseRejected, TaarafoError

log = logging.getLogger(__name__)
EXACT = ("operator", "api", "check")  # these audiences get the exact terms


@dataclass(frozen=True)
class Trouble:
    """`reference` is a number that finds the cause in the log; "" when there is none."""

    status: int
    code: str
    sentence: str
    advice: str
    reference: str = ""


BY_STATUS: dict[int, tuple[str, str, str]] = {
    400: ("bad-request", "That did not reach us whole.", "Go back and try once more."),
    404: ("not-found", "There is no page here.", "Look at the address again, or start from home."),
    405: ("wrong-method", "That page cannot do that.", "Go back and use its button."),
    413: ("too-large", "That is more text than we can take.", "Go back and make it shorter."),
    421: ("wrong-host", "You came in by a side door.", "Please use the address you were given."),
    429: (
        "too-many",
        "That was a lot in a short time. Nothing was lost.",
        "Have a cup of tea, then try again.",
    ),
}
NOT_NOW = (
    "This place cannot do that right now. Nothing was lost.",
    "Please try again later, or tell the person who looks after it.",
)
KEY_NEEDED = (
    "This page opens only with its own link.",
    "Open the link to your own page that you kept. Then you can come in again.",
)
FORM_EXPIRED = Trouble(
    400,
    "form-expired",
    "This page was open for a long time, so we were not sure it was still you.",
    "Go back and press the button once more. Nothing was changed.",
)


def install_trouble(app: Flask) -> None:
    app.register_error_handler(Exception, show_trouble)


def show_trouble(error: Exception) -> Response:
    """A page for people, JSON for programs."""
    trouble = describe_trouble(error)
    if request.path.startswith("/api/"):
        response = jsonify(
            error=trouble.code,
            sentence=trouble.sentence,
            advice=trouble.advice,
            reference=trouble.reference,
        )
    else:
        response = Response(render_template("error.html", trouble=trouble), mimetype="text/html")
    response.status_code = trouble.status
    if isinstance(error, HTTPException):
        keep = [(k, v) for k, v in error.get_headers() if k in ("Allow", "Retry-After")]
        response.headers.extend(keep)
    return response


def describe_trouble(error: Exception) -> Trouble:
    """What to say of it. What nobody expected is logged under a reference number."""
    if isinstance(error, CSRFError):
        return FORM_EXPIRED
    if isinstance(error, RateLimitExceeded):
        return Trouble(429, *BY_STATUS[429])
    if isinstance(error, HTTPException):
        status = error.code or 500
        return Trouble(status, *BY_STATUS.get(status, BY_STATUS[400]))
    if isinstance(error, TaarafoError):
        return _describe_known(error)
    unknown = TaarafoError()
    reference = _record(error)
    return Trouble(500, unknown.code, unknown.explain(), unknown.next_step(), reference)


def _describe_known(error: TaarafoError) -> Trouble:
    if request.blueprint not in EXACT:
        if isinstance(error, OperatorError | ReleaseRejected):
            return Trouble(error.http_status, error.code, *NOT_NOW, _record(error))
        if isinstance(error, NotAllowed | NotFound):
            return Trouble(error.http_status, error.code, *KEY_NEEDED)
    return Trouble(error.http_status, error.code, error.explain(), error.next_step())


def _record(error: Exception) -> str:
    """Log it with the page's name, never its address: an address may hold a key."""
    reference = secrets.token_hex(4)
    log.error("reference %s at %s", reference, request.endpoint, exc_info=error)
    return reference
