"""An agent takes a new key: the statement about it, signed by the old key.

The payload has a type of its own, so that no report can be taken for a rotation.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioner.core.appraisal.agents import AgentKey, key_id
from provisioner.core.appraisal.dsse import find_signer, read_envelope, seal
from provisioner.core.appraisal.strict_json import build, read_json
from provisioner.models.evidence import parse_moment

ROTATION_TYPE = "application/vnd.taarafo.agent-rotation+json"


@dataclass(frozen=True)
class Rotation:
    """`new_public` is base64 of the 32 raw bytes, `made_at` UTC as in evidence."""

    host_id: str
    old_keyid: str
    new_keyid: str
    new_public: str
    made_at: str

    def seal(self, old: Ed25519PrivateKey) -> bytes:
        """The DSSE envelope, signed by the old key."""
        payload = json.dumps(asdict(self), separators=(",", ":")).encode("ascii")
        return seal(ROTATION_TYPE, payload, old)


def read_rotation(raw: bytes, agents: Iterable[AgentKey]) -> AgentKey:
    """The new key of the one of `agents` that signed the rotation. Raises ValueError."""
    return _open(raw, tuple(agents))[1]


def follow_rotations(
    agents: Iterable[AgentKey], rotations: Iterable[bytes]
) -> tuple[AgentKey, ...]:
    """The agents' keys after these rotations, which are in the order that they were made in.

    A key that was replaced counts no longer and never again. Raises ValueError for the first
    rotation that does not follow.
    """
    current = tuple(agents)
    used = {agent.keyid for agent in current}
    for raw in rotations:
        old, new = _open(raw, current)
        if new.keyid in used:
            raise ValueError("it brings back a key that was used before")
        used.add(new.keyid)
        current = tuple(new if agent == old else agent for agent in current)
    return current


def _open(raw: bytes, agents: tuple[AgentKey, ...]) -> tuple[AgentKey, AgentKey]:
    """(who signed, its new key)."""
    envelope = read_envelope(raw)
    signer = find_signer(envelope, agents)
    if signer is None:
        raise ValueError("no enrolled agent signed it")
    if envelope.payload_type != ROTATION_TYPE:
        raise ValueError("it is signed as something else than a rotation")
    stated = build(Rotation, read_json(envelope.payload))
    if (stated.host_id, stated.old_keyid) != (signer.host_id, signer.keyid):
        raise ValueError("it is about another key than the one that signed it")
    parse_moment(stated.made_at)
    return signer, _read_new(stated, agents)


def _read_new(stated: Rotation, agents: tuple[AgentKey, ...]) -> AgentKey:
    public = base64.b64decode(stated.new_public, validate=True)
    if len(public) != 32 or stated.new_keyid != key_id(public):
        raise ValueError("its new key does not match its id")
    if any(stated.new_keyid == agent.keyid for agent in agents):
        raise ValueError("its new key is in use already")
    return AgentKey(stated.host_id, stated.new_keyid, stated.new_public)
