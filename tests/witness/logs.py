"""A small real log, honest or not: its tree, its key, and what it would send to a witness."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioner.core.tlog.checkpoint import Checkpoint, write_checkpoint
from provisioner.core.tlog.entry import Entry, write_entry
from provisioner.core.tlog.merkle import hash_leaf, prove_consistency, root_of
from provisioner.core.tlog.note import ED25519, Note, NoteKey, sign_note, write_note, write_vkey
from provisioner.core.tlog.submission import Submission, write_submission

ORIGIN = "log.example/one"


@dataclass
class SmallLog:
    """Entries up to 50; `fork` makes those from there on others than the honest log's."""

    origin: str = ORIGIN
    seed: int = 1
    fork: int = 1000
    leaves: list[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.private = Ed25519PrivateKey.from_private_bytes(bytes([self.seed]) * 32)
        self.key = NoteKey(self.origin, ED25519, self.private.public_key().public_bytes_raw())
        self.leaves = [hash_leaf(write_entry(self._entry(index))) for index in range(50)]

    def _entry(self, index: int) -> Entry:
        name = f"{'forked' if index >= self.fork else 'root'}/{index}"
        return Entry("metadata", name, hashlib.sha256(name.encode()).hexdigest())

    @property
    def vkey(self) -> str:
        return write_vkey(self.key)

    def text(self, size: int, *extensions: str) -> str:
        root = root_of(self.leaves[:size])
        return write_checkpoint(Checkpoint(self.origin, size, root, extensions))

    def checkpoint(self, size: int, *extensions: str) -> bytes:
        """Signed."""
        text = self.text(size, *extensions)
        return write_note(Note(text, (sign_note(text, self.origin, self.private),)))

    def prove(self, old: int, size: int) -> tuple[bytes, ...]:
        return prove_consistency(old, size, self.leaves)

    def submission(self, old: int, size: int, *extensions: str) -> bytes:
        proof = self.prove(old, size) if old <= size else ()
        return write_submission(Submission(old, proof, self.checkpoint(size, *extensions)))
