"""Making a changed state visible: signatures first, then files, the timestamp last."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from tuf.api.metadata import Metadata, MetaFile, Root, Targets

from provisioner.core.appraisal.agents import AgentList, row_of
from provisioner.core.appraisal.rotation import find_rotation, trace_keys
from provisioner.core.log_entries import (
    entry_of_agent,
    entry_of_metadata,
    find_newest_version,
    find_version,
)
from provisioner.core.tlog.entry import Entry
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
    good below both roots and a reader never meets one that is not.
    """
    ring, judge, before = publisher.ring, (root or state.root).signed, state.root.signed
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
    tell_log(publisher, state, {**signed, **({"root": root} if root else {})})
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
    log.append([*entries, *(entry_of(role, metadata) for role, metadata in new.items())])
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


def list_agent_keys(publisher: Publisher, host_id: str) -> list[str]:
    """The hashes of the rows of every key that a host's agent has had, the oldest first."""
    log = publisher.open_log(publisher.read_state().root.signed)
    return [e.sha256 for e in log.list_entries() if (e.kind, e.name) == ("agent", host_id)]


def log_agents(publisher: Publisher, listed: AgentList) -> None:
    """Tell the log of all keys of the listed agents, and of the rotations that lead to them.

    What it has already is not told again. Raises WitnessesMissing.
    """
    with publisher.repository.locked():
        log = publisher.open_log(publisher.read_state().root.signed)
        log.append(_list_agent_entries(listed))
        if not log.is_published:
            log.publish(publisher.cosign)
        log.serve()


def _list_agent_entries(listed: AgentList) -> Iterator[Entry]:
    """Each rotation before the key that it names."""
    for agent in listed.agents:
        first, *later = trace_keys(listed, agent.host_id) or (agent,)
        yield entry_of_agent(first.host_id, row_of(first))
        for key in later:
            raw = find_rotation(listed, key).encode()
            yield Entry("rotation", key.host_id, hashlib.sha256(raw).hexdigest())
            yield entry_of_agent(key.host_id, row_of(key))


def plan_version(current: int, role: str, logged: Iterable[Entry]) -> int:
    """The next version of a role: above what is published, and above what was ever logged."""
    return max(current, find_newest_version(logged, role)) + 1


def _meta_of(metadata: Metadata[Any]) -> MetaFile:
    return MetaFile.from_data(metadata.signed.version, metadata.to_bytes(), ["sha256"])
