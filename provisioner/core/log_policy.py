"""Who has to have seen the log: the policy that the publisher's root carries.

It is a signed field of `root.json`, so whoever believes a root knows the one log and the
witnesses that count, and needs no second file. Its text is C2SP tlog-policy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from provisioner.core.tlog.note import ED25519, NoteKey, read_vkey, write_vkey
from provisioner.core.tlog.policy import NONE, KnownLog, Policy, read_policy, write_policy

FIELD = "x-taarafo-log-policy"
FORMER_FIELD = "x-taarafo-log-keys-before"  # verifier keys that the log signed with before


def plan_policy(public: bytes) -> Policy:
    """A new log's policy without witnesses. The log is named after its first key (32 bytes)."""
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


def find_former_keys(root_fields: Mapping[str, object]) -> tuple[NoteKey, ...]:
    """The keys that the log signed with before, the first one first. Raises ValueError."""
    listed = root_fields.get(FORMER_FIELD, [])
    if not isinstance(listed, list):
        raise ValueError("the former keys of the log are no list")
    return tuple(read_vkey(str(each)) for each in listed)


def plan_log_rotation(root_fields: Mapping[str, object], public: bytes) -> dict[str, object]:
    """The fields of a root after which the log signs with another key (32 bytes) under its name.

    Raises ValueError for a key that it has signed with before.
    """
    policy, former = find_policy(root_fields), find_former_keys(root_fields)
    log = policy.logs[0]
    new = NoteKey(log.key.name, ED25519, public)
    if new in (log.key, *former):
        raise ValueError("the log has signed with this key before")
    changed = replace(policy, logs=(replace(log, key=new),))
    return {
        FIELD: write_policy(changed),
        FORMER_FIELD: [write_vkey(key) for key in (*former, log.key)],
    }
