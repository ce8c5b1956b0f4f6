"""The builder's key: it signs how an image was made, and nothing that decides what may run."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import Key

from provisioner.errors import KeyMissing
from provisioner.models.release import BUILDER_FIELD
from provisioner.publishing.delegation import keys_of
from provisioner.publishing.keys import KeyRing, read_private, refuse_twins
from provisioner.publishing.repository import State

BUILDER = "builder"


def get_builder(ring: KeyRing, state: State) -> Ed25519PrivateKey:
    """The key in `builder-1.pem`, which is made before its first signature is published.

    Afterwards it is never replaced in silence. Raises KeyMissing when it was moved away, and
    KeyRefused when it is a copy of another key.
    """
    return open_key(ring, state, BUILDER, is_known=_has_signed(state))


def open_key(ring: KeyRing, state: State, role: str, *, is_known: bool) -> Ed25519PrivateKey:
    """The key in `<role>-1.pem`; made unless `is_known` says that there was one."""
    name = f"{role}-1.pem"
    if is_known and ring.find_file(name) is None:
        folders = " or ".join(str(folder) for folder in ring.folders)
        raise KeyMissing(role="provenance", needed=1, found=0, missing=name, folders=folders)
    refuse_twins([*_list_keys(state), ring.ensure_key(role, 1)])
    return read_private(ring.find_file(name) or ring.home / name)


def _has_signed(state: State) -> bool:
    return any(
        BUILDER_FIELD in entry.unrecognized_fields
        for metadata in state.roles.values()
        for entry in metadata.signed.targets.values()
    )


def _list_keys(state: State) -> Iterator[Key]:
    yield from keys_of(state.root.signed).values()
    yield from keys_of(state.targets.signed).values()
