"""Import a bundle at once: verify it, bring the community back from it, and write the receipt.

The same import again gives the same: who is here already is not brought here twice.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from provisioner.core.bundle import REPOSITORY
from provisioner.engine.at_once import OnProgress, restore_now
from provisioner.engine.backups.phrase import PHRASE, read_phrase
from provisioner.engine.backups.restore import request_restore
from provisioner.engine.context import Context
from provisioner.engine.moves.open_bundle import OpenBundle, read_bundle, unpack_bundle
from provisioner.engine.moves.receipt import write_receipt
from provisioner.errors import MoveRefused
from provisioner.files import write_atomically
from provisioner.models.community import Community
from provisioner.models.operation import Operation

IMPORTS = "imports"


@dataclass(frozen=True)
class Wish:
    """What is imported, and where the receipt goes."""

    file: Path
    phrase: str
    receipt: Path
    signed_by: str = ""
    label: str = ""


def import_now(
    context: Context, wish: Wish, *, say: Callable[[str], None], on_progress: OnProgress
) -> dict[str, Any]:
    """The community with its links, its counts and its receipt. Raises BundleRefused, SaidBadly,
    NameRefused, NotEnoughRoom, Conflict or OperationFailed; then nothing of it is here."""
    phrase = read_phrase(wish.phrase)
    bundle = read_bundle(wish.file, wish.signed_by)
    if found := _find_import(context, bundle):
        community, operation = found
        _refuse_other_words(context, community, phrase)
        made = restore_now(context, community, operation, on_progress)
        _clear(context)
    else:
        made, operation = _bring_here(context, wish, phrase, say, on_progress)
    receipt = _tell(context, bundle, made, operation)
    write_atomically(wish.receipt, write_receipt(context, receipt, phrase), mode=0o600)
    return {**made, **receipt, "signed_by": bundle.letter.signed_by, "receipt": str(wish.receipt)}


def _bring_here(
    context: Context,
    wish: Wish,
    phrase: str,
    say: Callable[[str], None],
    on_progress: OnProgress,
) -> tuple[dict[str, Any], Operation]:
    with _room(context) as folder:
        say("Verifying every part of the bundle")
        bundle = unpack_bundle(wish.file, folder, wish.signed_by)
        community, operation = request_restore(
            context,
            source=str(folder / REPOSITORY),
            phrase=phrase,
            label=wish.label,
            snapshot=bundle.snapshot,
            requested_by="cli",
        )
        made = restore_now(context, community, operation, on_progress)
    return made, operation


def _tell(
    context: Context, bundle: OpenBundle, made: dict[str, Any], operation: Operation
) -> dict[str, Any]:
    """What the receipt says. `found` is what was counted in the files that came."""
    ended = context.store.get_operation(operation.id)
    finished = ended.finished_at or context.clock.now()
    return {
        "bundle": bundle.digest,
        "from": bundle.address,
        "home": made["url"],
        "community": made["id"],
        "release": made["release"],
        "expected": bundle.tally.to_json(),
        "found": json.loads(ended.asked["found"]),
        "began_at": ended.created_at.isoformat(),
        "ended_at": finished.isoformat(),
    }


def _find_import(context: Context, bundle: OpenBundle) -> tuple[Community, Operation] | None:
    """Who came by this bundle and is here, or is on the way."""
    operation = context.store.find_restored(bundle.snapshot)
    if operation is None:
        return None
    return context.store.get_community(operation.community_id), operation


def _refuse_other_words(context: Context, community: Community, phrase: str) -> None:
    secrets = json.loads(context.vault.unseal(community.sealed_secrets))
    if secrets.get(PHRASE) != phrase:
        raise MoveRefused(
            reason=f"{community.name} came here from this bundle, and other words open it."
        )


@contextmanager
def _room(context: Context) -> Iterator[Path]:
    """An empty folder for what is unpacked, which goes afterwards. What an import left that was
    killed goes too, once nobody needs it."""
    _clear(context)
    folder = context.settings.state / IMPORTS / uuid4().hex
    folder.mkdir(mode=0o700)
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(number)


def _clear(context: Context) -> None:
    imports = context.settings.state / IMPORTS
    imports.mkdir(mode=0o700, exist_ok=True)
    needed = context.store.list_sources()
    for folder in imports.iterdir():
        if any(source.startswith(f"{folder}/") for source in needed):
            continue
        with suppress(OSError):  # a living import holds it, or it is gone
            number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(number)
