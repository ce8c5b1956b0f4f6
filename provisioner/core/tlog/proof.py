"""Proofs to keep in a file (tlog-proof): an entry is in a log that a checkpoint describes."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.core.tlog.atoms import read_base64, read_decimal, read_hashes, write_base64
from provisioner.core.tlog.checkpoint import Checkpoint, open_checkpoint, read_checkpoint
from provisioner.core.tlog.merkle import check_inclusion
from provisioner.core.tlog.note import Note, NoteKey, read_note

_HEADER = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True)
class Proof:
    """`checkpoint` is a signed note, verbatim. Nobody signed `extra`."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None


def read_proof(raw: bytes) -> Proof:
    """Everything has its form; nothing is verified yet (tlog-proof, “Format”). ValueError."""
    head, blank, checkpoint = raw.partition(b"\n\n")
    if not blank or not head.isascii():
        raise ValueError("not a proof")
    header, *lines = head.decode("ascii").split("\n")
    if header != _HEADER:
        raise ValueError("not a proof")
    extra = _read_extra(lines.pop(0)) if lines and lines[0].startswith("extra ") else None
    if not lines or not lines[0].startswith("index "):
        raise ValueError("the index is missing")
    read_checkpoint(read_note(checkpoint).text)
    index = read_decimal(lines[0].removeprefix("index "))
    return Proof(index, read_hashes(lines[1:]), checkpoint, extra)


def write_proof(proof: Proof) -> bytes:
    """Raises ValueError for a proof that could not be read again as it is."""
    lines = [_HEADER]
    if proof.extra is not None:
        lines.append(f"extra {write_base64(proof.extra)}")
    lines += [f"index {proof.index}", *map(write_base64, proof.hashes), "", ""]
    raw = "\n".join(lines).encode("ascii") + proof.checkpoint
    if read_proof(raw) != proof:
        raise ValueError("not a proof")
    return raw


def check_proof(proof: Proof, leaf_hash: bytes, log_key: NoteKey) -> tuple[Checkpoint, Note]:
    """The checkpoint of this log under which the leaf is included. Raises ValueError.

    Cosignatures are not looked at: `policy.count_witnesses` counts those of the note.
    """
    checkpoint, note = open_checkpoint(proof.checkpoint, log_key)
    check_inclusion(proof.index, checkpoint.size, leaf_hash, proof.hashes, checkpoint.root)
    return checkpoint, note


def _read_extra(line: str) -> bytes:
    extra = read_base64(line.removeprefix("extra "))
    if not extra:
        raise ValueError("no extra is written as no line")
    return extra
