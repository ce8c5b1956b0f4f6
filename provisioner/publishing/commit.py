"""Making a changed state visible: signatures first, then files, the timestamp last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from tuf.api.metadata import Metadata, MetaFile, Root, Targets

from provisioner.publishing.pending import refuse_waiting
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.repository import State
from provisioner.publishing.sign import sign_role


def commit(publisher: Publisher, state: State, changed: Iterable[str], now: datetime) -> None:
    """Sign the changed roles, the snapshot and the timestamp, then write them in that order.

    Nothing is written before all signatures are there; nothing is visible before the last file.
    Raises SignaturesMissing when another change of these roles waits.
    """
    roles, signed = list(changed), dict[str, Metadata[Targets]]()
    refuse_waiting(publisher, state, roles, now)
    for role in roles:
        metadata, delegator = state.get_role(role)
        signed[role] = metadata
        metadata.signed.version += 1
        sign_role(metadata, role, delegator, publisher.ring, now)
    make_visible(publisher, state, signed, now)


def make_visible(
    publisher: Publisher,
    state: State,
    signed: Mapping[str, Metadata[Targets]],
    now: datetime,
    *,
    root: Metadata[Root] | None = None,
) -> None:
    """Show roles that are completely signed, and a new `root` as the very last file.

    The old keys of snapshot and timestamp sign along with the new ones, so that every file is
    good below both roots and a reader never meets one that is not.
    """
    ring, judge, before = publisher.ring, (root or state.root).signed, state.root.signed
    for role, metadata in signed.items():
        state.snapshot.signed.meta[f"{role}.json"] = _meta_of(metadata)
    state.snapshot.signed.version += 1
    sign_role(state.snapshot, "snapshot", judge, ring, now, before=before)
    state.timestamp.signed.snapshot_meta = _meta_of(state.snapshot)
    state.timestamp.signed.version += 1
    sign_role(state.timestamp, "timestamp", judge, ring, now, before=before)
    for role, metadata in signed.items():
        publisher.repository.write_metadata(role, metadata)
    publisher.repository.write_metadata("snapshot", state.snapshot)
    publisher.repository.write_metadata("timestamp", state.timestamp)
    if root:
        publisher.repository.write_metadata("root", root)


def commit_timestamp(publisher: Publisher, state: State, now: datetime) -> None:
    """Say again, freshly signed, which snapshot is the newest."""
    state.timestamp.signed.version += 1
    sign_role(state.timestamp, "timestamp", state.root.signed, publisher.ring, now)
    publisher.repository.write_metadata("timestamp", state.timestamp)


def _meta_of(metadata: Metadata[Any]) -> MetaFile:
    return MetaFile.from_data(metadata.signed.version, metadata.to_bytes(), ["sha256"])
