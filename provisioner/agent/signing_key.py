"""The agent's own Ed25519 key: made on the host at the first start, it never leaves it."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioner.core.appraisal.agents import AgentKey, key_id
from provisioner.files import write_atomically

KEY = "key.pem"


@dataclass(frozen=True)
class Signer:
    """The key with what others know of it."""

    key: Ed25519PrivateKey
    public: AgentKey


def load_signer(folder: Path) -> Signer:
    """Reads `key.pem` and `agent.json`, and makes what is missing."""
    if not (folder / KEY).exists():
        make_key(folder / KEY)
    key = read_key(folder / KEY)
    host_id = _find_host_id(folder / "agent.json") or os.urandom(8).hex()
    public = public_half(key, host_id)
    row = {"host_id": public.host_id, "keyid": public.keyid, "public": public.public}
    write_atomically(folder / "agent.json", json.dumps(row).encode("ascii"))
    return Signer(key, public)


def make_key(path: Path) -> None:
    """A new key that only its owner may read."""
    private = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    write_atomically(path, private, mode=0o600)


def read_key(path: Path) -> Ed25519PrivateKey:
    """Raises OSError, ValueError and TypeError."""
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError(f"{path} is not an Ed25519 key")
    return key


def public_half(key: Ed25519PrivateKey, host_id: str) -> AgentKey:
    raw = key.public_key().public_bytes_raw()
    return AgentKey(host_id, key_id(raw), base64.b64encode(raw).decode("ascii"))


def _find_host_id(path: Path) -> str | None:
    """The host keeps its id when its key is replaced."""
    try:
        host_id = json.loads(path.read_bytes())["host_id"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return host_id if isinstance(host_id, str) else None
