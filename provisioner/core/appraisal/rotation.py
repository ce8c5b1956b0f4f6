"""An agent takes a new key: the statement about it, signed by the old key.

The payload has a type of its own, so that no report can be taken for a rotation.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioner.core.appraisal.agents import AgentKey, AgentList, hash_row, key_id
from provisioner.core.appraisal.dsse import find_signer, read_envelope, seal
from provisioner.core.appraisal.strict_json import build, read_json
from provisioner.core.tlog.atoms import read_base64
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
    *_, last = _trace(agents, rotations)
    return last


def trace_keys(listed: AgentList, host_id: str) -> tuple[AgentKey, ...]:
    """Every key of a host, the one it was enrolled with first. Ends before the first rotation
    that does not follow."""
    keys: list[AgentKey] = []
    with suppress(ValueError):
        for current in _trace(listed.enrolled, (raw.encode() for raw in listed.rotations)):
            keys += [a for a in current if a.host_id == host_id and a not in keys]
    return tuple(keys)


def is_linked(listed: AgentList, host_id: str, logged: Sequence[str]) -> bool:
    """Whether each key of a host that was logged, but the first, was signed for by the one before.

    `logged` are the hashes of their rows in the public log, the oldest first.
    """
    return len(logged) < 2 or has_all(listed, host_id, logged)


def has_all(listed: AgentList, host_id: str, logged: Sequence[str]) -> bool:
    """The same, and the first one is the key that the host was enrolled with."""
    traced = tuple(hash_row(key) for key in trace_keys(listed, host_id))
    return traced[: len(logged)] == tuple(logged)


def choose_agents(listed: AgentList, logged: Mapping[str, Sequence[str]]) -> tuple[AgentKey, ...]:
    """The listed keys, and instead of one that was replaced in the log the one that replaced it.

    `logged` are, by host, the hashes of the rows of its keys, the oldest first.
    """
    return tuple(_choose(listed, agent, logged.get(agent.host_id, ())) for agent in listed.agents)


def list_replaced(listed: AgentList, counting: Iterable[AgentKey]) -> tuple[AgentKey, ...]:
    """The keys of the listed hosts that are not, or not yet, among those that count."""
    known = set(counting)
    hosts = dict.fromkeys(agent.host_id for agent in listed.agents)
    return tuple(key for host in hosts for key in trace_keys(listed, host) if key not in known)


def is_behind(listed: AgentList, logged: Mapping[str, Sequence[str]]) -> bool:
    """Whether the log has a newer key of a listed host than the list knows of."""
    return any(
        hash_row(agent) not in logged.get(agent.host_id, ())[-1:]
        and not is_linked(listed, agent.host_id, logged.get(agent.host_id, ()))
        for agent in listed.agents
    )


def find_rotation(listed: AgentList, new: AgentKey) -> str:
    """The rotation that names this key as the new one. Raises LookupError."""
    for raw in listed.rotations:
        stated = build(Rotation, read_json(read_envelope(raw.encode()).payload))
        if stated.new_keyid == new.keyid:
            return raw
    raise LookupError(new.keyid)


def host_of_rotation(raw: bytes) -> str:
    """Of which host's agent it speaks; nothing in it is verified. Raises ValueError."""
    return build(Rotation, read_json(read_envelope(raw).payload)).host_id


def _choose(listed: AgentList, agent: AgentKey, logged: Sequence[str]) -> AgentKey:
    if not logged or hash_row(agent) == logged[-1]:
        return agent
    traced = trace_keys(listed, agent.host_id)
    return next((key for key in traced if hash_row(key) == logged[-1]), agent)


def _trace(
    agents: Iterable[AgentKey], rotations: Iterable[bytes]
) -> Iterator[tuple[AgentKey, ...]]:
    """The keys that count at first, and after each rotation."""
    current = tuple(agents)
    used = {agent.keyid for agent in current}
    yield current
    for raw in rotations:
        old, new = _open(raw, current)
        if new.keyid in used:
            raise ValueError("it brings back a key that was used before")
        used.add(new.keyid)
        current = tuple(new if agent == old else agent for agent in current)
        yield current


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
    public = read_base64(stated.new_public)
    if len(public) != 32 or stated.new_keyid != key_id(public):
        raise ValueError("its new key does not match its id")
    if any(stated.new_keyid == agent.keyid for agent in agents):
        raise ValueError("its new key is in use already")
    return AgentKey(stated.host_id, stated.new_keyid, stated.new_public)
