"""Making a changed state visible: signatures first, then files, the timestamp last."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tuf.api.metadata import Metadata, MetaFile, Targets

from provisioner.core.appraisal.agents import AgentKey, row_of
from provisioner.core.log_entries import entry_of_agent, find_newest_version
from provisioner.core.tlog.entry import Entry
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.repository import State
from provisioner.publishing.sign import sign_role


def commit(publisher: Publisher, state: State, changed: Iterable[str], now: datetime) -> None:
    """Sign the changed roles, the snapshot and the timestamp, then write them in that order.

    Nothing is written before all signatures are there; nothing is visible before the last file.
    The log is told before that: readers refuse what it does not have. A version that was logged
    and then not published, because the writer was stopped, is skipped.
    """
    logged = publisher.open_log(state.root.signed).list_entries()
    signed: dict[str, Metadata[Targets]] = {}
    for role in changed:
        metadata, delegator = state.get_role(role)
        signed[role] = metadata
        metadata.signed.version = plan_version(metadata.signed.version, role, logged)
        sign_role(metadata, role, delegator, publisher.ring, now)
        state.snapshot.signed.meta[f"{role}.json"] = _meta_of(metadata)
    state.snapshot.signed.version += 1
    sign_role(state.snapshot, "snapshot", state.root.signed, publisher.ring, now)
    state.timestamp.signed.snapshot_meta = _meta_of(state.snapshot)
    state.timestamp.signed.version += 1
    sign_role(state.timestamp, "timestamp", state.root.signed, publisher.ring, now)
    for role, metadata in signed.items():
        publisher.repository.write_metadata(role, metadata)
    tell_log(publisher, state)
    publisher.repository.write_metadata("snapshot", state.snapshot)
    publisher.repository.write_metadata("timestamp", state.timestamp)
    publisher.open_log(state.root.signed).serve()


def commit_timestamp(publisher: Publisher, state: State, now: datetime) -> None:
    """Say again, freshly signed, which snapshot is the newest."""
    state.timestamp.signed.version += 1
    sign_role(state.timestamp, "timestamp", state.root.signed, publisher.ring, now)
    publisher.repository.write_metadata("timestamp", state.timestamp)


def log_state(publisher: Publisher, state: State) -> None:
    """Make sure that what is published is in the log, and served. Changes nothing if it is."""
    tell_log(publisher, state)
    publisher.open_log(state.root.signed).serve()


def tell_log(publisher: Publisher, state: State) -> None:
    """Tell the log of every root, and of the targets and delegated roles as they are now.

    Raises WitnessesMissing; then what was told is kept, and told to the witnesses the next time.
    """
    log = publisher.open_log(state.root.signed)
    log.append(publisher.repository.list_entries(state))
    if not log.is_published:
        log.publish(publisher.cosign)


def log_agents(publisher: Publisher, agents: Iterable[AgentKey]) -> None:
    """Tell the log of agents whose key is not its host's newest there. Raises WitnessesMissing."""
    with publisher.repository.locked():
        log = publisher.open_log(publisher.read_state().root.signed)
        newest = {e.name: e for e in log.list_entries() if e.kind == "agent"}
        entries = [entry_of_agent(agent.host_id, row_of(agent)) for agent in agents]
        log.append(entry for entry in entries if newest.get(entry.name) != entry)
        if not log.is_published:
            log.publish(publisher.cosign)
        log.serve()


def plan_version(current: int, role: str, logged: Iterable[Entry]) -> int:
    """The next version of a role: above what is published, and above what was ever logged."""
    return max(current, find_newest_version(logged, role)) + 1


def _meta_of(metadata: Metadata[Any]) -> MetaFile:
    return MetaFile.from_data(metadata.signed.version, metadata.to_bytes(), ["sha256"])
