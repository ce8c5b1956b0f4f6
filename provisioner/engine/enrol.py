"""Publish which agents' signatures count, once each host's agent has made its key.

This machine's agent writes its public half here. Those of other machines are brought by hand, as
`hosts/<name or id of the node>.json` in the state folder.
"""

from __future__ import annotations

from pathlib import Path

from provisioner.core.appraisal.agents import read_agents, write_agents
from provisioner.engine.context import Context
from provisioner.engine.publisher import open_publisher
from provisioner.errors import AgentUnreadable, TookTooLong
from provisioner.files import write_atomically
from provisioner.publishing.commit import log_agents

PATIENCE, PAUSE = 30, 0.1  # seconds


def enrol_agents(context: Context) -> None:
    """Write `agents.json` under the control plane's own address, and name the nodes' hosts.

    Raises TookTooLong.
    """
    settings, waited = context.settings, 0.0
    made = settings.agent_dir / "agent.json"
    while not made.is_file():
        if waited > PATIENCE:
            raise TookTooLong(what="Making this host's checking key", seconds=PATIENCE)
        context.clock.sleep(PAUSE)
        waited += PAUSE
    brought = {file.stem: _read_brought(file) for file in sorted(settings.hosts_dir.glob("*.json"))}
    listed = write_agents([made.read_bytes(), *brought.values()])
    log_agents(open_publisher(context), read_agents(listed))
    published = settings.evidence_dir / settings.base_host / "agents.json"
    if not published.is_file() or published.read_bytes() != listed:
        write_atomically(published, listed)
    for node in context.engine.list_nodes():
        own = made.read_bytes() if node.is_here else brought.get(node.name, brought.get(node.id))
        if own:
            (agent,) = read_agents(write_agents([own]))
            context.engine.name_host(node.id, agent.host_id)


def _read_brought(file: Path) -> bytes:
    """Raises AgentUnreadable."""
    try:
        raw = file.read_bytes()
        write_agents([raw])
    except (OSError, ValueError) as error:
        raise AgentUnreadable(str(error), file=file, reason=str(error)) from error
    return raw
