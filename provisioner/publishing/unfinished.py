"""What was logged and is not shown yet: finished before anything else is shown.

Whoever was stopped between telling the log and replacing the timestamp has left signed files that
the log knows and no reader sees. To serve that log alone would contradict what is published, so
those files are taken in first. That takes the online keys alone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Targets
from tuf.api.serialization import DeserializationError

from provisioner.core.log_entries import entry_of_metadata, find_newest_version
from provisioner.core.tlog.entry import Entry
from provisioner.errors import PublishingUnfinished
from provisioner.publishing.commit import make_visible
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.repository import State


def finish_logged(publisher: Publisher, now: datetime) -> State:
    """The published state, with everything in it that the log knows. The caller holds the lock.

    Raises PublishingUnfinished when the log knows of something that cannot be shown from here: a
    root that waits, or files that are gone. Raises WitnessesMissing, KeyMissing.
    """
    state = publisher.read_state()
    logged = publisher.open_log(state.root.signed).list_entries()
    if find_newest_version(logged, "root") > state.root.signed.version:
        raise PublishingUnfinished
    found: dict[str, Metadata[Targets]] = {}
    for role in ("targets", *state.roles):
        version = find_newest_version(logged, role)
        if version > state.get_role(role)[0].signed.version:
            found[role] = _read_logged(publisher, state, role, version, logged)
            if role == "targets":
                state.targets = found[role]
    if not found:
        return state
    make_visible(publisher, publisher.read_state(), found, now)
    return publisher.read_state()


def _read_logged(
    publisher: Publisher, state: State, role: str, version: int, logged: list[Entry]
) -> Metadata[Any]:
    path = publisher.repository.metadata / f"{version}.{role}.json"
    try:
        content = path.read_bytes()
        metadata = Metadata[Targets].from_bytes(content)
        above = state.root.signed if role == "targets" else state.targets.signed
        above.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
    except (OSError, ValueError, RepositoryError, DeserializationError) as error:
        raise PublishingUnfinished(f"{path}: {error}") from error
    if entry_of_metadata(role, version, metadata.to_bytes()) not in logged:
        raise PublishingUnfinished(f"{path} is not the file that was logged")
    return metadata
