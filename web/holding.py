"""Who holds a page: a sealed cookie that reaches that page's own addresses and no other.

One cookie a page, so that two tabs never overwrite what the other was given.
"""

from __future__ import annotations

from typing import Final

from flask import Response, current_app, request
from itsdangerous import BadSignature, URLSafeSerializer

from web.current import get_settings
from web.safety import KEPT_FOR

COOKIE: Final = "held"


def grant(response: Response, path: str, subject: str) -> None:
    """Let this browser come back to everything below `path`."""
    response.set_cookie(
        COOKIE,
        _seal().dumps([path, subject]),
        path=path,
        max_age=KEPT_FOR,
        httponly=True,
        samesite="Lax",
        secure=not get_settings().is_local,
    )


def find_held(path: str) -> str:
    """The subject that was granted for `path`, or ""."""
    try:
        granted_path, subject = _seal().loads(request.cookies.get(COOKIE, ""))
    except (BadSignature, ValueError, TypeError):
        return ""
    return str(subject) if granted_path == path else ""


def _seal() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or b"", salt="held")
