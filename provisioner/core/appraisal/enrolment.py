"""Decide what the list of agents says next: a key may only follow one that signed for it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from provisioner.core.appraisal.agents import AgentKey, AgentList
from provisioner.core.appraisal.rotation import follow_rotations, has_all, trace_keys


def plan_agent_list(before: AgentList, made: AgentKey, stated: Sequence[bytes]) -> AgentList:
    """The list with the agent whose present key is `made` and its newest key after `stated`, all
    rotations that it has made. A host that is not listed is enrolled.

    Raises ValueError for a key that the listed one did not sign for.
    """
    known = [agent for agent in before.agents if agent.host_id == made.host_id]
    if not known:
        following = _list_following(made, stated)
        last = follow_rotations([made], following)
        return AgentList(last, (made,), tuple(raw.decode("ascii") for raw in following))
    first, old = before.enrolled or before.agents, set(before.rotations)
    texts = (raw.decode("ascii") for raw in stated)
    rotations = (*before.rotations, *(text for text in texts if text not in old))
    last = follow_rotations(first, (text.encode() for text in rotations))
    listed = AgentList(last, first, rotations)
    if made not in trace_keys(listed, made.host_id):
        raise ValueError("its key is not the listed one, nor one that the listed one signed for")
    return listed


def plan_announcement(
    before: AgentList, listed: AgentList, host_id: str, logged: Sequence[str]
) -> AgentList | None:
    """What is to be published before a new key is logged: its statement beside the old key.

    None when there is no new key. `logged` are the hashes of the keys of this host in the log.
    Raises ValueError when those are others than the list leads through.
    """
    if not has_all(listed, host_id, logged):
        raise ValueError("the public log knows another key of this host")
    is_known = any(agent.host_id == host_id for agent in before.agents)
    if not is_known or before.agents == listed.agents:
        return None
    return replace(listed, agents=before.agents)


def _list_following(made: AgentKey, stated: Sequence[bytes]) -> list[bytes]:
    """The rotations from this key on; those before it are nobody's business any more."""
    for start in range(len(stated)):
        try:
            follow_rotations([made], stated[start:])
        except ValueError:
            continue
        return list(stated[start:])
    return []
