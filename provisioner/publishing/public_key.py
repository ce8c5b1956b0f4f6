"""Reads the public key of somebody who signs elsewhere."""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.signer import Key, SSlibKey

from provisioner.errors import KeyRefused
from provisioner.publishing.keys import name_key


def read_public_key(path: Path) -> Key:
    """An Ed25519 key in PEM (RFC 8410). `anna.pub` is called `anna.pem` from then on, as that is
    the file its holder signs with. Raises KeyRefused for anything else.
    """
    try:
        public = load_pem_public_key(path.read_bytes())
    except (ValueError, UnsupportedAlgorithm, OSError) as error:
        raise KeyRefused(str(error), reason=f"{path} is not a public key in PEM") from error
    if not isinstance(public, Ed25519PublicKey):
        raise KeyRefused(reason=f"{path} is not an Ed25519 key")
    return name_key(SSlibKey.from_crypto(public), f"{path.stem}.pem")
