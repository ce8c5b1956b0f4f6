"""The file that keeps a check: JSON with the texts that were fetched, none of them changed."""

from __future__ import annotations

import json
from dataclasses import asdict

from provisioner.core.appraisal.strict_json import build, read_json
from provisioner.models.saved_check import SavedCheck

KIND = "https://taarafo.example/saved-check/v1"


def write_saved(saved: SavedCheck) -> bytes:
    return json.dumps({"type": KIND, **asdict(saved)}, sort_keys=True, indent=1).encode() + b"\n"


def read_saved(raw: bytes) -> SavedCheck:
    """Everything has its form; nothing is verified yet. Raises ValueError."""
    value = read_json(raw)
    if not isinstance(value, dict) or value.get("type") != KIND:
        raise ValueError("it is not a saved check")
    return build(SavedCheck, value)
