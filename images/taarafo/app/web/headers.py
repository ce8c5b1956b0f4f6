"""Headers of every answer: nothing from elsewhere, nothing to elsewhere, nothing kept."""

from __future__ import annotations

from flask import Response, request

from .context import here, viewer
from .gate import is_long

POLICY = "; ".join(
    [
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
ALWAYS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), browsing-topics=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def drain(response: Response) -> Response:
    """Read what is left of an upload piece by piece; the server would take it into memory.

    For a stranger's, which may never end, the connection is closed instead.
    """
    body = request.environ["wsgi.input"]
    if viewer() is None and is_long():
        response.headers["Connection"] = "close"
    elif request.method not in ("GET", "HEAD") and response.status_code >= 400:
        while body.read(65536):
            pass
    return response


def protect(response: Response) -> Response:
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)
    if request.endpoint == "static" and response.status_code == 200:
        response.headers["Cache-Control"] = "public, max-age=3600"
        return response
    if not here().config.is_public:
        response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response.headers.setdefault("Cache-Control", "no-store")
    return response
