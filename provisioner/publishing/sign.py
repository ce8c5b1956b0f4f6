"""Signing one role: with every key that is here, checked against the threshold at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from securesystemslib.signer import Key, Signer
from tuf.api.metadata import Metadata, Root, Targets

from provisioner.publishing.delegation import keys_for, keys_of
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
    metadata: Metadata[Any],
    role: str,
    delegator: Root | Targets,
    ring: KeyRing,
    now: datetime,
    *,
    before: Root | Targets | None = None,
) -> None:
    """Give a role a fresh expiry and enough signatures. Raises KeyMissing or KeyRefused.

    `before` is the delegator that readers may still believe: its keys sign too, where they are
    here, so that the role is good below both.
    """
    keys = keys_of(delegator)
    refuse_twins(keys.values())
    signers = ring.get_signers(role, delegator.get_delegated_role(role), keys)
    earlier = keys_for(before, role) if before else []
    others = find_signers(ring, (key for key in earlier if key.keyid not in keys))
    renew_and_sign(metadata, role, [*signers, *others], now)
    delegator.verify_delegate(role, metadata.signed_bytes, metadata.signatures)


def renew_and_sign(
    metadata: Metadata[Any], role: str, signers: Iterable[Signer], now: datetime
) -> None:
    """A fresh expiry, and these signatures instead of all earlier ones."""
    metadata.signed.expires = now.astimezone(UTC) + lifetime_of(role)
    metadata.signatures.clear()
    for signer in signers:
        metadata.sign(signer, append=True)  # without append, the last signature is the only one


def find_signers(ring: KeyRing, keys: Iterable[Key]) -> list[Signer]:
    """What signs for these keys, as far as their files are here."""
    found = (ring.find_signer(key) for key in keys)
    return [signer for signer in found if signer is not None]
