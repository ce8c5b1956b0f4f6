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
class _Agents:
    agents: tuple[AgentKey, ...]


def key_id(public: bytes) -> str:
    """SHA-256 of the raw public key, in hex."""
    return hashlib.sha256(public).hexdigest()


def read_agents(raw: bytes) -> tuple[AgentKey, ...]:
    """The list `{"agents": [{"host_id", "keyid", "public"}]}`. Raises ValueError."""
    return _distinct(build(_Agents, read_json(raw)).agents)


def write_agents(agent_files: Iterable[bytes]) -> bytes:
    """The list that the control plane publishes, from each host's `agent.json`."""
    agents = _distinct(build(AgentKey, read_json(raw)) for raw in agent_files)
    rows = [{"host_id": a.host_id, "keyid": a.keyid, "public": a.public} for a in agents]
    return json.dumps({"agents": sorted(rows, key=lambda row: row["host_id"])}).encode("ascii")


def row_of(agent: AgentKey) -> bytes:
    """The bytes whose hash the public log holds: one agent in its one right form."""
    row = {"host_id": agent.host_id, "keyid": agent.keyid, "public": agent.public}
    return json.dumps(row, sort_keys=True, separators=(",", ":")).encode("ascii")


def _distinct(agents: Iterable[AgentKey]) -> tuple[AgentKey, ...]:
    """Refuses a key that is not what its id says, and one key under two names."""
    found: dict[str, AgentKey] = {}
    for agent in agents:
        public = base64.b64decode(agent.public, validate=True)
        if len(public) != 32 or agent.keyid != key_id(public):
            raise ValueError("an agent's key does not match its id")
        if agent.keyid in found:
            raise ValueError("one key is listed twice")
        found[agent.keyid] = agent
    return tuple(found.values())
