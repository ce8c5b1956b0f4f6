"""Publish which agents' signatures count, once each host's agent has made its key."""

from __future__ import annotations

from provisioner.core.appraisal.agents import read_agents, write_agents
from provisioner.engine.context import Context
from provisioner.engine.publisher import open_publisher
from provisioner.errors import TookTooLong
from provisioner.files import write_atomically
from provisioner.publishing.commit import log_agents

PATIENCE, PAUSE = 30, 0.1  # seconds


def enrol_agents(context: Context) -> None:
    """Write `agents.json` under the control plane's own address. Raises TookTooLong."""
    settings, waited = context.settings, 0.0
    made = settings.agent_dir / "agent.json"
    while not made.is_file():
        if waited > PATIENCE:
            raise TookTooLong(what="Making this host's checking key", seconds=PATIENCE)
        context.clock.sleep(PAUSE)
        waited += PAUSE
    listed = write_agents([made.read_bytes()])
    log_agents(open_publisher(context), read_agents(listed))
    published = settings.evidence_dir / settings.base_host / "agents.json"
    if not published.is_file() or published.read_bytes() != listed:
        write_atomically(published, listed)
