"""What guards every page: the right host, our own forms only, sealed cookies, strict headers."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from flask import Flask, Response, request
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import MisdirectedRequest

from provisioner.errors import NotAllowed
from provisioner.settings import Settings
from web.current import get_settings

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
FROM_HERE: Final = frozenset({"same-origin", "none"})
LARGEST_REQUEST: Final = 64 * 1024
KEPT_FOR: Final = timedelta(days=400)  # the longest that browsers keep a cookie

CONTENT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


def install_safety(app: Flask, settings: Settings) -> CSRFProtect:
    """Must come before the blueprints. Returns the guard, for `exempt` of the API."""
    app.config.from_mapping(
        SECRET_KEY=settings.read_secret("session.key"),
        SESSION_COOKIE_NAME="taarafo" if settings.is_local else "__Host-taarafo",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=not settings.is_local,
        PERMANENT_SESSION_LIFETIME=KEPT_FOR,
        SESSION_REFRESH_EACH_REQUEST=False,  # only an answer that changes the session carries it
        MAX_CONTENT_LENGTH=LARGEST_REQUEST,
        MAX_FORM_MEMORY_SIZE=LARGEST_REQUEST,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a slow typist loses nothing
        WTF_CSRF_SSL_STRICT=False,  # wants a Referer, which we ask browsers not to send
    )
    app.before_request(refuse_other_hosts)
    app.before_request(refuse_other_sites)
    app.after_request(add_headers)
    return CSRFProtect(app)  # type: ignore[no-untyped-call]


def refuse_other_hosts() -> None:
    """Only our own name, whatever the port; the health check may use any."""
    host = request.host.rpartition(":")[0] or request.host
    if request.endpoint != "healthz" and host.lower() != get_settings().base_host:
        raise MisdirectedRequest


def refuse_other_sites() -> None:
    """A form on another site, a community's own page included, can change nothing here."""
    origin = request.headers.get("Sec-Fetch-Site", "none")
    if request.method not in SAFE_METHODS and origin not in FROM_HERE:
        raise NotAllowed("the request came from another site")


def add_headers(response: Response) -> Response:
    """A view may set its own value first; what it left out is added."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if not get_settings().is_local:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "private, no-cache")
    return response
