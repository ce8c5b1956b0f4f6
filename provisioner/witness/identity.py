"""Who a witness is: a name and an Ed25519 key, made at its first start and never changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioner.core.appraisal.observation import observation_key_of, write_observation_text
from provisioner.core.tlog.cosignature import cosign
from provisioner.core.tlog.note import (
    COSIGNATURE_V1,
    Note,
    NoteKey,
    sign_note,
    write_note,
    write_signatures,
    write_vkey,
)
from provisioner.files import write_atomically
from provisioner.models.observation import Observation


@dataclass(frozen=True)
class Identity:
    """One key signs two kinds of text, and neither can be taken for the other.

    A cosignature's message begins with `cosignature/v1`, an observation's with its own header.
    """

    name: str
    private: Ed25519PrivateKey = field(repr=False)

    @property
    def key(self) -> NoteKey:
        """The key of its cosignatures, of type 0x04. Raises ValueError for a wrong name."""
        return NoteKey(self.name, COSIGNATURE_V1, self.private.public_key().public_bytes_raw())

    @property
    def vkey(self) -> str:
        """The verifier key to write into a policy (C2SP signed-note, “Verifier keys”)."""
        return write_vkey(self.key)

    @property
    def observation_key(self) -> NoteKey:
        return observation_key_of(self.key)

    def cosign(self, text: str, timestamp: int) -> bytes:
        """The signature line over a checkpoint's text (C2SP tlog-cosignature)."""
        return write_signatures([cosign(text, self.name, self.private, timestamp)]).encode()

    def sign_observation(self, observation: Observation) -> bytes:
        """The signed note that `read_observation` reads. Raises ValueError."""
        text = write_observation_text(observation)
        return write_note(Note(text, (sign_note(text, self.name, self.private),)))


def load_key(path: Path) -> Ed25519PrivateKey:
    """The key in a PEM file that only its owner may read; made when it is missing.

    Raises ValueError for a file that is no Ed25519 key, OSError for one that cannot be read.
    """
    if not path.exists():
        private = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        write_atomically(path, private, mode=0o600)
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path} is not an Ed25519 key")
    return key
