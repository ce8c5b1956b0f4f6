"""The key with which this control plane signs what it tells another one."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioner.core.appraisal.agents import key_id
from provisioner.engine.context import Context

PURPOSE = "letters 1"


def get_signing_key(context: Context) -> Ed25519PrivateKey:
    """The same for as long as the master key is; it is kept nowhere else."""
    return Ed25519PrivateKey.from_private_bytes(context.vault.derive(PURPOSE))


def get_fingerprint(context: Context) -> str:
    """What the operator of the other side compares: SHA-256 of the public half, in hex."""
    return key_id(get_signing_key(context).public_key().public_bytes_raw())
