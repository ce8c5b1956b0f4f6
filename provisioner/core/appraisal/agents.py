"""Enrolled agents: whose signatures count as evidence, and the list that publishes them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from provisioner.core.appraisal.strict_json import build, read_json
from provisioner.core.tlog.atoms import read_base64

MOST_ROTATIONS = 1000


@dataclass(frozen=True)
class AgentKey:
    """The public half of one host's agent. `public` is base64 of the 32 raw bytes."""

    host_id: str
    keyid: str
    public: str

    @cached_property
    def verifier(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(self.public))


@dataclass(frozen=True)
class AgentList:
    """What the control plane publishes: `agents` are those whose signatures count.

    `enrolled` are the first keys of hosts, and `rotations` the statements (DSSE envelopes) that
    lead from those to `agents`, in the order that they were made in. Nothing in it is verified.
    """

    agents: tuple[AgentKey, ...] = ()
    enrolled: tuple[AgentKey, ...] = ()
    rotations: tuple[str, ...] = ()


def key_id(public: bytes) -> str:
    """SHA-256 of the raw public key, in hex."""
    return hashlib.sha256(public).hexdigest()


def read_agent_list(raw: bytes) -> AgentList:
    """The list `{"agents": [{"host_id", "keyid", "public"}], "enrolled", "rotations"}`; the last
    two are there once a key was replaced. Raises ValueError."""
    value = read_json(raw)
    if not isinstance(value, dict) or "agents" not in value:
        raise ValueError("it lists no agents")
    listed = build(AgentList, value)
    if len(listed.rotations) > MOST_ROTATIONS:
        raise ValueError("it has more rotations than there may be")
    _distinct(listed.agents)
    _distinct(listed.enrolled)
    return listed


def write_agent_list(listed: AgentList) -> bytes:
    """The list that the control plane publishes."""
    value: dict[str, object] = {"agents": _rows(_distinct(listed.agents))}
    if listed.rotations:
        value |= {"enrolled": _rows(_distinct(listed.enrolled)), "rotations": listed.rotations}
    return json.dumps(value).encode("ascii")


def read_agent(raw: bytes) -> AgentKey:
    """One host's `agent.json`. Raises ValueError."""
    (agent,) = _distinct([build(AgentKey, read_json(raw))])
    return agent


def row_of(agent: AgentKey) -> bytes:
    """The bytes whose hash the public log holds: one agent in its one right form."""
    row = {"host_id": agent.host_id, "keyid": agent.keyid, "public": agent.public}
    return json.dumps(row, sort_keys=True, separators=(",", ":")).encode("ascii")


def hash_row(agent: AgentKey) -> str:
    """What the public log says of an agent: the SHA-256 of its row, in hex."""
    return hashlib.sha256(row_of(agent)).hexdigest()


def _rows(agents: Iterable[AgentKey]) -> list[dict[str, str]]:
    rows = [{"host_id": a.host_id, "keyid": a.keyid, "public": a.public} for a in agents]
    return sorted(rows, key=lambda row: row["host_id"])


def _distinct(agents: Iterable[AgentKey]) -> tuple[AgentKey, ...]:
    """Refuses a key that is not what its id says, and one key under two names."""
    found: dict[str, AgentKey] = {}
    for agent in agents:
        public = read_base64(agent.public)
        if len(public) != 32 or agent.keyid != key_id(public):
            raise ValueError("an agent's key does not match its id")
        if agent.keyid in found:
            raise ValueError("one key is listed twice")
        found[agent.keyid] = agent
    return tuple(found.values())
