"""A letter: what one control plane tells another, signed. It names the key that signed it. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from provisioner.core.appraisal.agents import key_id
from provisioner.core.appraisal.dsse import find_signer, read_envelope, seal
from provisioner.core.appraisal.strict_json import read_json

KIND = "application/vnd.taarafo.{kind}+json"
SHORTEST_FINGERPRINT = 16  # hex digits that somebody has to give at least


@dataclass(frozen=True)
class Letter:
    """`told` is what was signed; `signed_by` the fingerprint of the key that did."""

    told: Mapping[str, Any]
    signed_by: str

    def is_signed_by(self, fingerprint: str) -> bool:
        """Whether this is the key that somebody means, by at least the beginning of its name."""
        wanted = fingerprint.strip().lower().replace(" ", "")
        return len(wanted) >= SHORTEST_FINGERPRINT and self.signed_by.startswith(wanted)


@dataclass(frozen=True)
class _Signer:
    verifier: Ed25519PublicKey


def sign_letter(kind: str, told: Mapping[str, Any], key: Ed25519PrivateKey) -> bytes:
    """A DSSE envelope. `told` must not have a `key` of its own."""
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    payload = json.dumps({**told, "key": public}, sort_keys=True).encode()
    return seal(KIND.format(kind=kind), payload, key)


def read_letter(kind: str, raw: bytes) -> Letter:
    """Raises ValueError unless it was signed by the key that it names, as this kind of letter.

    Whose key that is, it cannot say: that is for whoever knows the fingerprint.
    """
    envelope = read_envelope(raw)
    if envelope.payload_type != KIND.format(kind=kind):
        raise ValueError(f"it is no {kind}")
    told = read_json(envelope.payload)
    if not isinstance(told, dict) or not isinstance(told.get("key"), str):
        raise ValueError("it does not say who signed it")
    public = base64.b64decode(told.pop("key"), validate=True)
    signer = _Signer(Ed25519PublicKey.from_public_bytes(public))
    if find_signer(envelope, [signer]) is None:
        raise ValueError("its signature does not fit")
    return Letter(told, key_id(public))
