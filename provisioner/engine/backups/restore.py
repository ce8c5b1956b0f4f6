"""Ask for a community to be brought back from its backup. Workers do the rest."""

from __future__ import annotations

import json
from pathlib import Path

from provisioner.core.bucket import read_bucket
from provisioner.core.names import judge_label, skeleton_of
from provisioner.core.promises import plan_promises
from provisioner.engine.backups.phrase import PHRASE, SOURCE_KEYS, read_phrase
from provisioner.engine.context import Context
from provisioner.errors import SaidBadly
from provisioner.models.community import Community, new_id
from provisioner.models.operation import Operation
from provisioner.models.promise import Preset

UNKNOWN = "A community from a backup"
SHOWN = 5  # folders in a sentence


def request_restore(
    context: Context,
    *,
    source: str,
    phrase: str,
    keys: bytes = b"",
    label: str = "",
    snapshot: str = "",
    requested_by: str,
) -> tuple[Community, Operation]:
    """What it is called is known once its backup was opened.

    `source` is a folder of this machine, or `s3:https://host/bucket/folder`, which `keys` open (a
    file in the form of AWS's shared credentials). `label` is the first part of its address here;
    empty: as it was. `snapshot` is the beginning of a backup's id; empty: the newest. Raises
    SaidBadly, NameRefused or Conflict; then nothing was recorded.
    """
    place = _judge_store(source, keys) if source.startswith("s3:") else _judge_folder(source)
    secrets = {PHRASE: read_phrase(phrase), SOURCE_KEYS: keys.decode() if keys else ""}
    wanted = judge_label(label, context.store.is_taken) if label else ""
    community = _make_row(context, wanted, secrets)
    operation = context.store.request_restore(
        community,
        {"source": place, "label": wanted, "snapshot": snapshot.strip().lower()},
        now=context.clock.now(),
        requested_by=requested_by,
    )
    context.waker.wake(operation.id)
    return community, operation


def _make_row(context: Context, label: str, secrets: dict[str, str]) -> Community:
    """Under a name of its own, unless it was given one."""
    community_id = new_id()
    taken = label or f"restoring-{community_id[:8]}"
    return Community(
        id=community_id,
        label=taken,
        reserved=skeleton_of(taken),
        address=context.settings.address_of(taken),
        name=UNKNOWN,
        founder="",
        preset=Preset.FAMILY,
        promises=plan_promises(Preset.FAMILY).model_dump(mode="json"),
        app="",
        channel="",
        sealed_secrets=context.vault.seal(json.dumps(secrets).encode()),
        created_at=context.clock.now(),
    )


def _judge_store(source: str, keys: bytes) -> str:
    try:
        address = read_bucket(source).repository
    except ValueError as error:
        raise SaidBadly(f"The place of the backups cannot be read: {error}.", "from") from error
    if not keys:
        reason = "An S3 store opens with keys. Put them into a file, and name it with --keys."
        raise SaidBadly(reason, "keys")
    return address


def _judge_folder(source: str) -> str:
    """Absolute. It has to be a repository itself, not the folder of many."""
    folder = Path(source).expanduser().absolute()
    if (folder / "config").is_file():
        return str(folder)
    if not folder.is_dir():
        raise SaidBadly(f"There is no folder {folder} on this machine.", "from")
    inside = sorted(path.parent.name for path in folder.glob("*/config"))
    if not inside:
        raise SaidBadly(f"There are no backups in {folder}.", "from")
    more = f" and {len(inside) - SHOWN} more" if len(inside) > SHOWN else ""
    raise SaidBadly(
        f"In {folder} are backups of several communities. Name one of these folders in it: "
        f"{', '.join(inside[:SHOWN])}{more}.",
        "from",
    )
