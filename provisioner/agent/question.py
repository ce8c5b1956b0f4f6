"""The question of a challenge: `{"nonce": "…", "full": false}`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from provisioner.core.appraisal.strict_json import build, read_json

_NONCE = re.compile(r"[A-Za-z0-9_-]{32,128}").fullmatch


@dataclass(frozen=True)
class Question:
    """`nonce` comes back in the answer; `full` asks that every byte is read for it."""

    nonce: str
    full: bool = False


def read_question(raw: bytes) -> Question:
    """Unknown fields are ignored. Raises ValueError with the reason, to be read in a sentence."""
    question = build(Question, read_json(raw))
    if not _NONCE(question.nonce):
        raise ValueError("nonce has to be 32 to 128 letters, digits, - or _")
    return question
