"""Decide what the list of agents says next: a key may only follow one that signed for it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from provisioner.core.appraisal.agents import AgentKey, AgentList
from provisioner.core.appraisal.rotation import (
    follow_rotations,
    has_all,
    host_of_rotation,
    trace_keys,
)


def plan_agent_list(before: AgentList, made: AgentKey, stated: Sequence[bytes]) -> AgentList:
    """The list with the agent whose present key is `made` and its newest key after `stated`, all
    rotations that it has made. A host that is not listed is enrolled; the others stay.

    Raises ValueError for a key that the listed one did not sign for.
    """
    first, known = before.enrolled or before.agents, set(before.rotations)
    if all(agent.host_id != made.host_id for agent in before.agents):
        first = (*first, made)
        stated = _list_following(made, stated)
    texts = (raw.decode("ascii") for raw in stated)
    rotations = (*before.rotations, *(text for text in texts if text not in known))
    last = follow_rotations(first, (text.encode() for text in rotations))
    listed = AgentList(last, first, rotations)
    if made not in trace_keys(listed, made.host_id):
        raise ValueError("its key is not the listed one, nor one that the listed one signed for")
    return listed


def keep_hosts(before: AgentList, hosts: Collection[str]) -> AgentList:
    """The list without the hosts that are not among these."""
    first = before.enrolled or before.agents
    return AgentList(
        tuple(each for each in before.agents if each.host_id in hosts),
        tuple(each for each in first if each.host_id in hosts),
        tuple(raw for raw in before.rotations if host_of_rotation(raw.encode()) in hosts),
    )


def plan_announcement(
    before: AgentList, listed: AgentList, logged: Mapping[str, Sequence[str]]
) -> AgentList | None:
    """What is to be published before new keys are logged: their statements beside the old keys.

    None when no listed key is replaced. `logged` are, by host, the hashes of its keys in the log.
    Raises ValueError when those are others than the list leads through.
    """
    for agent in listed.agents:
        if not has_all(listed, agent.host_id, logged.get(agent.host_id, ())):
            raise ValueError("the public log knows another key of this host")
    known = {agent.host_id: agent for agent in before.agents}
    counting = tuple(known.get(agent.host_id, agent) for agent in listed.agents)
    told = tuple(agent for agent in counting if agent.host_id in known)
    return replace(listed, agents=told) if counting != listed.agents else None


def _list_following(made: AgentKey, stated: Sequence[bytes]) -> list[bytes]:
    """The rotations from this key on; those before it are nobody's business any more."""
    for start in range(len(stated)):
        try:
            follow_rotations([made], stated[start:])
        except ValueError:
            continue
        return list(stated[start:])
    return []
