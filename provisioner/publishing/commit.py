"""Making a changed state visible: signatures first, then files, the timestamp last."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tuf.api.metadata import Metadata, MetaFile, Targets

from provisioner.publishing.publisher import Publisher
from provisioner.publishing.repository import State
from provisioner.publishing.sign import sign_role


def commit(publisher: Publisher, state: State, changed: Iterable[str], now: datetime) -> None:
    """Sign the changed roles, the snapshot and the timestamp, then write them in that order.

    Nothing is written before all signatures are there; nothing is visible before the last file.
    """
    signed: dict[str, Metadata[Targets]] = {}
    for role in changed:
        metadata, delegator = state.get_role(role)
        signed[role] = metadata
        metadata.signed.version += 1
        sign_role(metadata, role, delegator, publisher.ring, now)
        state.snapshot.signed.meta[f"{role}.json"] = _meta_of(metadata)
    state.snapshot.signed.version += 1
    sign_role(state.snapshot, "snapshot", state.root.signed, publisher.ring, now)
    state.timestamp.signed.snapshot_meta = _meta_of(state.snapshot)
    state.timestamp.signed.version += 1
    sign_role(state.timestamp, "timestamp", state.root.signed, publisher.ring, now)
    for role, metadata in signed.items():
        publisher.repository.write_metadata(role, metadata)
    publisher.repository.write_metadata("snapshot", state.snapshot)
    publisher.repository.write_metadata("timestamp", state.timestamp)


def commit_timestamp(publisher: Publisher, state: State, now: datetime) -> None:
    """Say again, freshly signed, which snapshot is the newest."""
    state.timestamp.signed.version += 1
    sign_role(state.timestamp, "timestamp", state.root.signed, publisher.ring, now)
    publisher.repository.write_metadata("timestamp", state.timestamp)


def _meta_of(metadata: Metadata[Any]) -> MetaFile:
    return MetaFile.from_data(metadata.signed.version, metadata.to_bytes(), ["sha256"])
