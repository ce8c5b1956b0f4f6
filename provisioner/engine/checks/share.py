"""Write a verdict down for others: a verification summary of a saved check."""

from __future__ import annotations

from pathlib import Path

from provisioner.core.appraisal.dsse import seal
from provisioner.core.appraisal.summary import write_summary
from provisioner.engine.checks.saved_check import SavedFile
from provisioner.errors import SavedUnreadable
from provisioner.files import write_atomically
from provisioner.models.evidence import PAYLOAD_TYPE
from provisioner.models.verdict import Verdict


def share_verdict(file: SavedFile, verdict: Verdict, to: Path, key: Path | None = None) -> None:
    """Write the summary of `file`, which was judged to be `verdict`. It is not read again.

    With `key`, an Ed25519 key in a PEM file, it is a DSSE envelope that this key has signed, and
    says who claims it; without, it is the plain statement. Raises SavedUnreadable, KeyRefused.
    """
    try:
        summary = write_summary(file.saved, file.raw, verdict)
    except ValueError as error:
        raise SavedUnreadable(str(error), file=file.path, reason=str(error)) from error
    if key:
        from provisioner.publishing.keys import read_private

        summary = seal(PAYLOAD_TYPE, summary, read_private(key)) + b"\n"
    write_atomically(to, summary)
