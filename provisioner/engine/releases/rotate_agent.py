"""Give the agent of this host a new key, from the request until everybody can know of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from provisioner.agent.rotate import confirm_rotation, is_requested, request_rotation
from provisioner.core.appraisal.agents import AgentKey, read_agent
from provisioner.engine.context import Context
from provisioner.engine.releases.enrol import agents_path, enrol_agents, read_published
from provisioner.errors import OperatorError, TookTooLong

PATIENCE, PAUSE = 60, 0.1  # seconds; the agent may be busy measuring


def rotate_agent(context: Context, say: Callable[[str], None]) -> dict[str, Any]:
    """`{"host_id", "before", "keyid"}`: the host, and the id of its key before and now.

    One that was begun before is finished instead of making a second key. Raises OperatorError
    before `up`, TookTooLong when the agent does not answer, and what `enrol_agents` raises.
    """
    before = read_published(agents_path(context)).agents
    if not before:
        raise OperatorError("no agent is enrolled yet: run ./taarafo up")
    listed = enrol_agents(context).agents[0]
    if listed == before[0] == _read_key(context):
        say("Asking the agent for a new key")
        _ask(context)
        say("Publishing it")
        listed = enrol_agents(context).agents[0]
    say("Waiting until the agent signs with it alone")
    _wait(context, lambda: _read_key(context) == listed, "Taking the new key")
    return {"host_id": listed.host_id, "before": before[0].keyid, "keyid": listed.keyid}


def _ask(context: Context) -> None:
    folder = context.settings.agent_dir
    request_rotation(folder)
    try:
        _wait(context, lambda: not is_requested(folder), "Making a new key")
    except TookTooLong:
        confirm_rotation(folder)  # nobody waits for it any more
        raise


def _read_key(context: Context) -> AgentKey:
    return read_agent((context.settings.agent_dir / "agent.json").read_bytes())


def _wait(context: Context, has_come: Callable[[], bool], what: str) -> None:
    waited = 0.0
    while not has_come():
        if waited > PATIENCE:
            raise TookTooLong(what=what, seconds=PATIENCE)
        context.clock.sleep(PAUSE)
        waited += PAUSE
