"""The three cookies: who is signed in, which browser is known, and one visit's form seed."""

from __future__ import annotations

from flask import Response, g, request

from .. import sessions
from ..members import Member
from .context import db, door_key, here, now

SESSION, DOOR, VISIT = "session", "door", "visit"


def _name(name: str) -> str:
    """`__Host-` binds a cookie to this address alone; browsers want it only over https."""
    return f"__Host-{name}" if here().config.is_https else name


def read(name: str) -> str:
    return request.cookies.get(_name(name), "")


def write(response: Response, name: str, value: str, seconds: int | None) -> None:
    response.set_cookie(
        _name(name),
        value,
        max_age=seconds,
        path="/",
        secure=here().config.is_https,
        httponly=True,
        samesite="Lax",
    )


def clear(response: Response, name: str) -> None:
    response.delete_cookie(
        _name(name), path="/", secure=here().config.is_https, httponly=True, samesite="Lax"
    )


def sign_in(response: Response, person: Member) -> Response:
    """A fresh session for this browser, whatever it carried before."""
    sessions.end(db(), read(SESSION))
    write(response, SESSION, sessions.start(db(), person.id, now()), sessions.LASTS)
    write(response, DOOR, door_key(person), sessions.LASTS)
    g.visit_done = True
    return response
