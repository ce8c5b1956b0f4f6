"""Ask for a community to be led to its new home, once the receipt says that all came there."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from provisioner.core.letter import Letter
from provisioner.engine.backups.phrase import PHRASE
from provisioner.engine.context import Context
from provisioner.engine.moves.export import YES
from provisioner.engine.moves.receipt import judge_receipt, read_receipt
from provisioner.errors import Conflict, MoveRefused, ReceiptRefused, SaidBadly
from provisioner.models.bundle import Bundle
from provisioner.models.community import Community, CommunityState
from provisioner.models.operation import Operation, OperationKind

BY = "by itself"
LARGEST_RECEIPT = 2**20  # bytes


def read_receipt_file(file: Path) -> bytes:
    """Raises SaidBadly."""
    try:
        with file.open("rb") as reader:
            return reader.read(LARGEST_RECEIPT)
    except OSError as error:
        raise SaidBadly(f"There is no receipt at {file} that can be read.", "receipt") from error


def request_move(
    context: Context,
    community: Community,
    *,
    receipt: bytes,
    signed_by: str = "",
    erases: bool = False,
    requested_by: str,
) -> Operation:
    """Raises ReceiptRefused, MoveRefused or Conflict; then nothing was changed.

    `erases` what is here at once; else it is kept as long as what was before an upgrade.
    """
    letter = read_receipt(receipt)
    if signed_by and not letter.is_signed_by(signed_by):
        raise ReceiptRefused(reason=f"it was signed by another key, {letter.signed_by}")
    bundle = _find_bundle(context, community, letter)
    _refuse_when_written_since(community, bundle)
    secrets = json.loads(context.vault.unseal(community.sealed_secrets))
    home = judge_receipt(letter, bundle, secrets.get(PHRASE, ""))
    if home.partition("://")[2] == community.address:
        raise ReceiptRefused(reason="the new address is the same as the old one")
    asked = {"bundle": bundle.id, "home": home, "erases": YES if erases else ""}
    operation = context.store.request_part_of_move(
        community.id,
        OperationKind.MOVE,
        asked,
        now=context.clock.now(),
        requested_by=requested_by,
    )
    context.waker.wake(operation.id)
    return operation


def erase_moved(context: Context) -> int:
    """Ask for it wherever the time is over. Returns how many were asked for."""
    asked = 0
    for community_id in context.store.list_kept_until(context.clock.now()):
        with suppress(Conflict):  # something else is being done with it: the next round asks again
            operation = context.store.request_part_of_move(
                community_id,
                OperationKind.ERASE,
                {},
                now=context.clock.now(),
                requested_by=BY,
                state=CommunityState.MOVED,
            )
            context.waker.wake(operation.id)
            asked += 1
    return asked


def _find_bundle(context: Context, community: Community, letter: Letter) -> Bundle:
    wanted = letter.told.get("bundle")
    for bundle in context.store.list_bundles(community.id):
        if bundle.letter == wanted:
            return bundle
    raise ReceiptRefused(reason=f"it is for no bundle of {community.name}")


def _refuse_when_written_since(community: Community, bundle: Bundle) -> None:
    since = community.reading_since
    if since is None or bundle.made_at < since:
        raise MoveRefused(
            reason=f"{community.name} could be written after this bundle was made, so something "
            f"may be missing in it. Export it again, without --keep-open, and import that."
        )
