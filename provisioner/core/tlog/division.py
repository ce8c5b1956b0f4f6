"""Two checkpoints of one size with different roots, both signed by the log: proof that it lied.

Whoever shows them is not believed. What counts is the log's own signature on both.
"""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.core.appraisal.strict_json import build, read_json
from provisioner.core.tlog.checkpoint import open_checkpoint
from provisioner.core.tlog.note import NoteKey

MOST_CHECKPOINTS = 1000  # that are looked at in one answer: two that contradict are enough


@dataclass(frozen=True)
class Division:
    """`one` and `other` are the signed notes, byte for byte as they were shown."""

    size: int
    one: bytes
    other: bytes


@dataclass(frozen=True)
class _Conflict:
    checkpoints: tuple[str, ...]


@dataclass(frozen=True)
class _Told:
    equivocations: tuple[_Conflict, ...]


def find_division(told: bytes, log_key: NoteKey) -> Division | None:
    """The first proven one in what a witness answers to `GET /equivocations`, or None.

    Checkpoints of other logs and those that `log_key` did not sign count for nothing.
    Raises ValueError for what is no such answer.
    """
    listed = build(_Told, read_json(told)).equivocations
    shown = [raw for conflict in listed for raw in conflict.checkpoints]
    first: dict[int, tuple[bytes, bytes]] = {}  # size -> root, note
    for text in shown[:MOST_CHECKPOINTS]:
        raw = text.encode("utf-8", "surrogatepass")
        try:
            checkpoint, _ = open_checkpoint(raw, log_key)
        except ValueError:
            continue
        root, one = first.setdefault(checkpoint.size, (checkpoint.root, raw))
        if root != checkpoint.root:
            return Division(checkpoint.size, one, raw)
    return None
