"""Passwords: what is long enough, how one is kept and how one is compared."""

from __future__ import annotations

import threading
from functools import cache

from werkzeug.security import check_password_hash, generate_password_hash

SHORTEST = 10
LONGEST = 200
# One scrypt takes 32 MB for a moment: a crowd at the door must not use up the memory.
FEW_AT_A_TIME = threading.Semaphore(2)


def find_fault(password: str, name: str) -> str:
    """The catalogue key of what is wrong, or empty. Length counts, not odd letters."""
    if len(password) < SHORTEST:
        return "password.short"
    if len(password) > LONGEST:
        return "password.long"
    if len(set(password)) < 4 or password.casefold().strip() == name.casefold():
        return "password.plain"
    return ""


def keep(password: str) -> str:
    """The salted scrypt form to store."""
    with FEW_AT_A_TIME:
        return generate_password_hash(password)


def matches(kept: str, password: str) -> bool:
    """Compare; an unknown name costs as much time as a wrong password."""
    with FEW_AT_A_TIME:
        return check_password_hash(kept or _nobody(), password[:LONGEST]) and bool(kept)


@cache
def _nobody() -> str:
    return generate_password_hash("nobody has this one")
