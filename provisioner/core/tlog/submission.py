"""What a log sends to a witness (tlog-witness, “add-checkpoint”): the body, as text."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.core.tlog.atoms import read_decimal, read_hashes, write_base64
from provisioner.core.tlog.checkpoint import read_checkpoint
from provisioner.core.tlog.note import read_note


@dataclass(frozen=True)
class Submission:
    """`proof` leads from the tree of `old_size` leaves to that of `checkpoint`, a signed note."""

    old_size: int
    proof: tuple[bytes, ...]
    checkpoint: bytes


def read_submission(raw: bytes) -> Submission:
    """Everything has its form; nothing is verified yet. Raises ValueError."""
    head, blank, checkpoint = raw.partition(b"\n\n")
    if not blank or not head.isascii():
        raise ValueError("not a submission")
    old, *lines = head.decode("ascii").split("\n")
    if not old.startswith("old "):
        raise ValueError("the old size is missing")
    read_checkpoint(read_note(checkpoint).text)
    return Submission(read_decimal(old.removeprefix("old ")), read_hashes(lines), checkpoint)


def write_submission(submission: Submission) -> bytes:
    """Raises ValueError for a submission that could not be read again as it is."""
    lines = [f"old {submission.old_size}", *map(write_base64, submission.proof), "", ""]
    raw = "\n".join(lines).encode("ascii") + submission.checkpoint
    if read_submission(raw) != submission:
        raise ValueError("not a submission")
    return raw
