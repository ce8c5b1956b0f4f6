"""What the log knows and no reader sees yet, because somebody was stopped in between.

Its files are on the disk, completely signed. To serve the log without them would contradict what is
published, so whoever shows anything shows them too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Targets
from tuf.api.serialization import DeserializationError

from provisioner.core.log_entries import entry_of_metadata, find_newest_version
from provisioner.core.tlog.entry import Entry
from provisioner.errors import PublishingUnfinished
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.repository import State


def find_logged(
    publisher: Publisher,
    state: State,
    signed: Mapping[str, Metadata[Targets]],
    root: Metadata[Root] | None = None,
) -> dict[str, Metadata[Targets]]:
    """Roles besides those in `signed` that the log has in a newer version than `state`.

    All of them together with `signed` are good below `root`, or else the root of `state`. Raises
    PublishingUnfinished when the log knows of something that cannot be shown from here: a root
    that waits, files that are gone, or keys that are not the ones of before.
    """
    logged = publisher.open_log(state.root.signed).list_entries()
    judge = (root or state.root).signed
    if find_newest_version(logged, "root") > judge.version:
        raise PublishingUnfinished
    above = signed.get("targets", state.targets)
    found: dict[str, Metadata[Targets]] = {}
    for role in ("targets", *state.roles):
        version = find_newest_version(logged, role)
        if role not in signed and version > state.get_role(role)[0].signed.version:
            delegator = judge if role == "targets" else above.signed
            found[role] = _read_logged(publisher, delegator, role, version, logged)
            above = found[role] if role == "targets" else above
    if "targets" in found:
        _require_good(above.signed, signed)
    return found


def _read_logged(
    publisher: Publisher, delegator: Root | Targets, role: str, version: int, logged: list[Entry]
) -> Metadata[Any]:
    path = publisher.repository.metadata / f"{version}.{role}.json"
    try:
        metadata = Metadata[Targets].from_bytes(path.read_bytes())
        delegator.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
    except (OSError, ValueError, RepositoryError, DeserializationError) as error:
        raise PublishingUnfinished(f"{path}: {error}") from error
    if entry_of_metadata(role, version, metadata.to_bytes()) not in logged:
        raise PublishingUnfinished(f"{path} is not the file that was logged")
    return metadata


def _require_good(targets: Targets, signed: Mapping[str, Metadata[Targets]]) -> None:
    """What was signed just now, by whom the targets of before named, is good below these too."""
    for role, metadata in signed.items():
        try:
            targets.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
        except (ValueError, RepositoryError) as error:
            raise PublishingUnfinished(f"{role}: {error}") from error
