"""Ask for a bundle of a community, or for it to be written again. Workers do the rest."""

from __future__ import annotations

from pathlib import Path

from provisioner.engine.context import Context
from provisioner.errors import MoveRefused, SaidBadly
from provisioner.models.community import Community
from provisioner.models.operation import Operation, OperationKind

YES = "yes"
LONGEST_NAME = 150  # letters: the name of the unfinished one is longer


def request_export(
    context: Context,
    community: Community,
    *,
    file: Path,
    keeps_open: bool = False,
    requested_by: str,
) -> Operation:
    """Write everything of it into `file`, on the machine that has it.

    From then on it can only be read, unless it `keeps_open`: then the bundle is a mere copy, and
    nobody can move with it. Raises SaidBadly or Conflict.
    """
    whole = file.expanduser().absolute()
    if not whole.parent.is_dir():
        raise SaidBadly(f"There is no folder {whole.parent} on this machine.", "to")
    if whole.exists():
        raise SaidBadly(f"There is a file {whole} already. Choose another name.", "to")
    if len(whole.name) > LONGEST_NAME:
        raise SaidBadly("The name of that file is too long. Choose a shorter one.", "to")
    asked = {
        "folder": str(whole.parent),
        "file": whole.name,
        "keeps_open": YES if keeps_open else "",
        "was_reading": YES if community.reading_since else "",
    }
    return _request(context, community, OperationKind.EXPORT, asked, requested_by)


def request_stay(context: Context, community: Community, *, requested_by: str) -> Operation:
    """Let it be written again: it does not move. Raises MoveRefused or Conflict."""
    if community.reading_since is None:
        raise MoveRefused(reason=f"{community.name} can be written already: it does not move.")
    return _request(context, community, OperationKind.STAY, {}, requested_by)


def _request(
    context: Context,
    community: Community,
    kind: OperationKind,
    asked: dict[str, str],
    requested_by: str,
) -> Operation:
    operation = context.store.request_part_of_move(
        community.id, kind, asked, now=context.clock.now(), requested_by=requested_by
    )
    context.waker.wake(operation.id)
    return operation
