"""Checkpoints (tlog-checkpoint): what a log says its tree is, in a signed note."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.core.tlog.atoms import check_text, read_decimal, read_hash, write_base64
from provisioner.core.tlog.merkle import EMPTY_ROOT
from provisioner.core.tlog.note import Note, NoteKey, check_signature, read_note


@dataclass(frozen=True)
class Checkpoint:
    """The log's name, its number of leaves, its root of 32 bytes, and lines that mean nothing."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


def read_checkpoint(text: str) -> Checkpoint:
    """The text of a note as a checkpoint (tlog-checkpoint, “Note text”). Raises ValueError."""
    check_text(text)
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise ValueError("not the lines of a checkpoint")
    origin, size, root, *extensions = lines
    found = Checkpoint(origin, read_decimal(size), read_hash(root), tuple(extensions))
    if found.size == 0 and found.root != EMPTY_ROOT:
        raise ValueError("not the root of an empty tree")
    return found


def write_checkpoint(checkpoint: Checkpoint) -> str:
    """The text to sign. ValueError for a checkpoint that could not be read again as it is."""
    root = write_base64(checkpoint.root)
    lines = (checkpoint.origin, str(checkpoint.size), root, *checkpoint.extensions)
    text = "".join(f"{line}\n" for line in lines)
    if read_checkpoint(text) != checkpoint:
        raise ValueError("not a checkpoint")
    return text


def open_checkpoint(raw: bytes, log_key: NoteKey) -> tuple[Checkpoint, Note]:
    """A checkpoint that this log signed and that bears its name. Raises ValueError."""
    note = read_note(raw)
    if not check_signature(note, log_key):
        raise ValueError("the log did not sign it")
    checkpoint = read_checkpoint(note.text)
    if checkpoint.origin != log_key.name:
        raise ValueError("a checkpoint of another log")
    return checkpoint, note
