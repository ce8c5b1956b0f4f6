"""The way in to a hidden community: an address that only its people and its guests hold."""

from __future__ import annotations

from .. import invitations, members, tokens
from . import cookies
from .context import db, door_key, now


def opens(key: str) -> bool:
    """Whether this is a member's own sign-in address, or an invitation that is open."""
    return is_members(key) or invitations.find(db(), key, now()) is not None


def is_members(key: str) -> bool:
    number = key.partition(".")[0]
    if not (number.isascii() and number.isdigit() and len(number) < 16):
        return False
    person = members.find(db(), int(number))
    return person is not None and tokens.same(key, door_key(person))


def is_known() -> bool:
    """Whether a member has signed in with this browser before."""
    key = cookies.read(cookies.DOOR)
    return bool(key) and is_members(key)
