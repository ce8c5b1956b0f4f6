"""Making a changed state visible: signatures first, then files, the timestamp last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from tuf.api.metadata import Metadata, MetaFile, Root, Targets

from provisioner.core.log_entries import (
    entry_of_metadata,
    find_newest_version,
    find_version,
)
from provisioner.core.tlog.entry import Entry
from provisioner.publishing.logged import find_logged
from provisioner.publishing.pending import refuse_waiting
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.repository import State
from provisioner.publishing.sign import sign_role


def commit(publisher: Publisher, state: State, changed: Iterable[str], now: datetime) -> None:
    """Sign the changed roles, the snapshot and the timestamp, then write them in that order.

    Nothing is written before all signatures are there; nothing is visible before the last file.
    The log is told before that: readers refuse what it does not have. A version that was logged
    and then not published, because the writer was stopped, is skipped. Raises SignaturesMissing
    when another change of these roles waits.
    """
    roles, signed = list(changed), dict[str, Metadata[Targets]]()
    refuse_waiting(publisher, state, roles, now)
    logged = publisher.open_log(state.root.signed).list_entries()
    for role in roles:
        metadata, delegator = state.get_role(role)
        signed[role] = metadata
        metadata.signed.version = plan_version(metadata.signed.version, role, logged)
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
    good below both roots and a reader never meets one that is not. What was logged before and is
    not shown yet is shown too; PublishingUnfinished says that this is not possible here.
    """
    signed = {**find_logged(publisher, state, signed, root), **signed}
    ring, judge, before = publisher.ring, (root or state.root).signed, state.root.signed
    told: dict[str, Metadata[Any]] = dict(signed)
    if root:
        told["root"] = root
    publisher.open_log(before).refuse_rivals(entry_of(role, each) for role, each in told.items())
    if root:  # it may name another key of the log, without which no reader would go on
        publisher.open_log(judge).require_key()
    for role, metadata in signed.items():
        state.snapshot.signed.meta[f"{role}.json"] = _meta_of(metadata)
    state.snapshot.signed.version += 1
    sign_role(state.snapshot, "snapshot", judge, ring, now, before=before)
    state.timestamp.signed.snapshot_meta = _meta_of(state.snapshot)
    state.timestamp.signed.version += 1
    sign_role(state.timestamp, "timestamp", judge, ring, now, before=before)
    for role, metadata in signed.items():
        publisher.repository.write_metadata(role, metadata)
    tell_log(publisher, state, told)
    publisher.repository.write_metadata("snapshot", state.snapshot)
    publisher.repository.write_metadata("timestamp", state.timestamp)
    if root:
        publisher.repository.write_metadata("root", root)
    show_log(publisher, state, signed)


def commit_timestamp(publisher: Publisher, state: State, now: datetime) -> None:
    """Say again, freshly signed, which snapshot is the newest."""
    state.timestamp.signed.version += 1
    sign_role(state.timestamp, "timestamp", state.root.signed, publisher.ring, now)
    publisher.repository.write_metadata("timestamp", state.timestamp)


def log_state(publisher: Publisher, state: State) -> None:
    """Make sure that what is published is in the log, and served. Changes nothing if it is."""
    tell_log(publisher, state)
    show_log(publisher, state)


def tell_log(
    publisher: Publisher, state: State, signed: Mapping[str, Metadata[Any]] | None = None
) -> None:
    """Tell the log of every root, and of the targets and delegated roles as they are now.

    `signed` are roles that were signed just now and take the place of those in `state`. Raises
    WitnessesMissing; then what was told is kept, and told to the witnesses the next time.
    """
    new = dict(signed or {})
    log = publisher.open_log(state.root.signed)
    entries = publisher.repository.list_entries(state, without=new)
    entries += [entry_of(role, metadata) for role, metadata in new.items()]
    log.refuse_rivals(entries)
    log.append(entries)
    if not log.is_published:
        log.publish(publisher.cosign)


def show_log(
    publisher: Publisher, state: State, signed: Mapping[str, Metadata[Any]] | None = None
) -> None:
    """Serve the newest checkpoint, and beside it a proof for each role that signs releases.

    A proof lets anybody check one release against the log without fetching the log.
    """
    new = dict(signed or {})
    log = publisher.open_log(state.root.signed)
    log.serve()
    entries = publisher.repository.list_entries(state, without=new)
    entries += [entry_of(role, metadata) for role, metadata in new.items()]
    log.write_proofs({role: e for e in entries for role in state.roles if find_version(e, role)})


def entry_of(role: str, metadata: Metadata[Any]) -> Entry:
    """The log's entry of signed metadata, as it is about to be written."""
    return entry_of_metadata(role, metadata.signed.version, metadata.to_bytes())


def plan_version(current: int, role: str, logged: Iterable[Entry]) -> int:
    """The next version of a role: above what is published, and above what was ever logged."""
    return max(current, find_newest_version(logged, role)) + 1


def _meta_of(metadata: Metadata[Any]) -> MetaFile:
    return MetaFile.from_data(metadata.signed.version, metadata.to_bytes(), ["sha256"])
