"""Public keys in signed metadata: their one right form. Pure.

Two spellings of one key would be two keys to whoever compares texts, and one signature would then
count twice toward a threshold.
"""

from __future__ import annotations

import hashlib
import json
import re

ED25519 = "ed25519"
_PUBLIC = re.compile(r"[0-9a-f]{64}").fullmatch


def is_well_written(public: object) -> bool:
    """Whether it is 32 bytes in hexadecimal, without capitals and spaces."""
    return isinstance(public, str) and bool(_PUBLIC(public))


def plan_key_id(public: str) -> str:
    """The id of an Ed25519 key: SHA-256 of its canonical form (TUF 4.2, OLPC canonical JSON)."""
    form = {"keytype": ED25519, "keyval": {"public": public}, "scheme": ED25519}
    return hashlib.sha256(
        json.dumps(form, sort_keys=True, separators=(",", ":")).encode()
    ).hexdigest()
