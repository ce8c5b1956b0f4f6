"""Signing one role: with every key that is here, checked against the threshold at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from securesystemslib.signer import Key
from tuf.api.metadata import Metadata, Root, Targets

from provisioner.publishing.keys import KeyRing, refuse_twins

DAYS = {"root": 365, "targets": 90, "snapshot": 7, "timestamp": 1}
DELEGATED_DAYS = 30


def lifetime_of(role: str) -> timedelta:
    """How long a signature on a role is good for."""
    return timedelta(days=DAYS.get(role, DELEGATED_DAYS))


def is_near_expiry(expires: datetime, role: str, now: datetime) -> bool:
    """Half of its lifetime is over: time to sign it again."""
    return expires - now < lifetime_of(role) / 2


def sign_role(
    metadata: Metadata[Any], role: str, delegator: Root | Targets, ring: KeyRing, now: datetime
) -> None:
    """Give a role a fresh expiry and enough signatures. Raises KeyMissing or KeyRefused."""
    keys = keys_of(delegator)
    refuse_twins(keys.values())
    signers = ring.get_signers(role, delegator.get_delegated_role(role), keys)
    metadata.signed.expires = now.astimezone(UTC) + lifetime_of(role)
    metadata.signatures.clear()
    for signer in signers:
        metadata.sign(signer, append=True)  # without append, the last signature is the only one
    delegator.verify_delegate(role, metadata.signed_bytes, metadata.signatures)


def keys_of(delegator: Root | Targets) -> dict[str, Key]:
    """Public keys by id of all roles below a delegator."""
    if isinstance(delegator, Root):
        return delegator.keys
    return delegator.delegations.keys if delegator.delegations else {}
