"""What can go wrong for a person: each says its sentence from the catalogue, and a status."""

from __future__ import annotations


class Problem(Exception):
    """`key` names the sentence, `facts` fill it, `field` is the form field it belongs to."""

    status = 422

    def __init__(self, key: str, *, field: str = "", **facts: object) -> None:
        super().__init__(key)
        self.key = key
        self.field = field
        self.facts = facts


class TooMany(Problem):
    status = 429


class NoRoom(Problem):
    status = 507


class NotYours(Problem):
    status = 403
