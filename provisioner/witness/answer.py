"""What a witness answers: one HTTP status with a short body."""

from __future__ import annotations

from dataclasses import dataclass

TEXT = "text/plain; charset=utf-8"
JSON = "application/json"
TREE_SIZE = "text/x.tlog.size"  # C2SP tlog-witness


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    kind: str = TEXT


def refuse(status: int, reason: str) -> Answer:
    """A short reason in words."""
    return Answer(status, f"{reason}\n".encode())


def conflict(size: int) -> Answer:
    """The size of the latest tree that was cosigned (C2SP tlog-witness, “add-checkpoint”)."""
    return Answer(409, f"{size}\n".encode(), TREE_SIZE)
