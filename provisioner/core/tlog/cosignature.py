"""Cosignatures (tlog-cosignature, cosignature/v1): a witness saw this tree at this time."""

from __future__ import annotations

from collections.abc import Iterable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioner.core.tlog.atoms import LARGEST
from provisioner.core.tlog.checkpoint import read_checkpoint
from provisioner.core.tlog.note import (
    COSIGNATURE_V1,
    Note,
    NoteKey,
    NoteSignature,
    check_ed25519,
    find_signatures,
    read_note,
    write_note,
)

_TIMESTAMP_BYTES = 8


def cosign(text: str, name: str, private: Ed25519PrivateKey, timestamp: int) -> NoteSignature:
    """A signature of type 0x04 over a checkpoint's text; `timestamp` is in POSIX seconds.

    Raises ValueError for a text that is no checkpoint (tlog-cosignature, “Format”).
    """
    read_checkpoint(text)
    if not 0 <= timestamp <= LARGEST:
        raise ValueError("not a timestamp")
    key = NoteKey(name, COSIGNATURE_V1, private.public_key().public_bytes_raw())
    signature = private.sign(encode_message(text, timestamp))
    return NoteSignature(name, key.key_id, timestamp.to_bytes(_TIMESTAMP_BYTES, "big") + signature)


def read_cosignature(note: Note, key: NoteKey) -> int | None:
    """When this witness, a key of type 0x04, signed last, in POSIX seconds; None if it did not.

    Raises ValueError when a signature bears its name and id and is not valid.
    """
    if key.algorithm != COSIGNATURE_V1:
        raise ValueError("not a key of a witness")
    read_checkpoint(note.text)
    return max((_check(note.text, key, each) for each in find_signatures(note, key)), default=None)


def add_cosignatures(checkpoint: bytes, found: Iterable[NoteSignature]) -> bytes:
    """The signed checkpoint with these signatures below its own. Raises ValueError."""
    note = read_note(checkpoint)
    return write_note(Note(note.text, tuple(dict.fromkeys((*note.signatures, *found)))))


def encode_message(text: str, timestamp: int) -> bytes:
    """The bytes that are really signed (tlog-cosignature, “Ed25519 signed message”)."""
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()


def _check(text: str, key: NoteKey, content: bytes) -> int:
    timestamp = int.from_bytes(content[:_TIMESTAMP_BYTES], "big")
    if timestamp > LARGEST:
        raise ValueError("not a timestamp")
    check_ed25519(key, encode_message(text, timestamp), content[_TIMESTAMP_BYTES:])
    return timestamp
