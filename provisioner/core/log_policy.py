"""Who has to have seen the log: the policy that the publisher's root carries.

It is a signed field of `root.json`, so whoever believes a root knows the one log and the
witnesses that count, and needs no second file. Its text is C2SP tlog-policy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from provisioner.core.tlog.note import ED25519, NoteKey
from provisioner.core.tlog.policy import NONE, KnownLog, Policy, read_policy

FIELD = "x-taarafo-log-policy"


def plan_policy(public: bytes) -> Policy:
    """A new log's policy without witnesses. The log is named after its own key (32 bytes)."""
    name = f"taarafo.example/log/{hashlib.sha256(public).hexdigest()[:16]}"
    return Policy((KnownLog(NoteKey(name, ED25519, public)),), (), (), NONE)


def find_policy(root_fields: Mapping[str, object]) -> Policy:
    """The policy among a root's further fields. Raises ValueError unless it names one log."""
    text = root_fields.get(FIELD)
    if not isinstance(text, str):
        raise ValueError("the root names no log")
    policy = read_policy(text)
    if len(policy.logs) != 1:
        raise ValueError("the root does not name exactly one log")
    return policy
