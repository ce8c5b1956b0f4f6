"""The keys of the agents in the public log."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime

from provisioner.core.appraisal.agents import AgentList, row_of
from provisioner.core.appraisal.rotation import find_rotation, trace_keys
from provisioner.core.log_entries import entry_of_agent
from provisioner.core.tlog.entry import Entry
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.unfinished import finish_logged


def list_agent_keys(publisher: Publisher, host_id: str) -> list[str]:
    """The hashes of the rows of every key that a host's agent has had, the oldest first."""
    log = publisher.open_log(publisher.read_state().root.signed)
    return [e.sha256 for e in log.list_entries() if (e.kind, e.name) == ("agent", host_id)]


def log_agents(publisher: Publisher, listed: AgentList, *, now: datetime) -> None:
    """Tell the log of all keys of the listed agents, and of the rotations that lead to them.

    What it has already is not told again. Raises WitnessesMissing, and PublishingUnfinished while
    the log has something that may not be shown yet.
    """
    with publisher.repository.locked():
        log = publisher.open_log(finish_logged(publisher, now).root.signed)
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
