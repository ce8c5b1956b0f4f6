"""Whether a submission may be cosigned, given what was cosigned before (C2SP tlog-witness)."""

from __future__ import annotations

from provisioner.core.tlog.checkpoint import Checkpoint
from provisioner.core.tlog.merkle import EMPTY_ROOT, check_consistency
from provisioner.core.tlog.submission import Submission
from provisioner.witness.answer import Answer, conflict, refuse


def judge_submission(
    submission: Submission, checkpoint: Checkpoint, latest: Checkpoint | None
) -> Answer | None:
    """The refusal, or None when it may be cosigned.

    The log signed `checkpoint`; `latest` is the one that was cosigned last, None if none was.
    """
    size, root = (latest.size, latest.root) if latest else (0, EMPTY_ROOT)
    if submission.old_size != size:
        return conflict(size)
    if checkpoint.size == size and checkpoint.root != root:
        return conflict(size)
    try:
        check_consistency(size, checkpoint.size, root, checkpoint.root, submission.proof)
    except ValueError as error:
        return refuse(422, str(error))
    return None
