"""Publish which agents' signatures count, once each host's agent has made its key."""

from __future__ import annotations

from pathlib import Path

from provisioner.agent.rotate import list_rotations
from provisioner.core.appraisal.agents import (
    AgentKey,
    AgentList,
    read_agent,
    read_agent_list,
    write_agent_list,
)
from provisioner.core.appraisal.enrolment import plan_agent_list, plan_announcement
from provisioner.engine.context import Context
from provisioner.engine.publisher import open_publisher
from provisioner.errors import AgentKeyRefused, TookTooLong
from provisioner.files import write_atomically
from provisioner.publishing.commit import list_agent_keys, log_agents

PATIENCE, PAUSE = 30, 0.1  # seconds


def enrol_agents(context: Context) -> AgentList:
    """Log this host's agent and list it under the control plane's own address.

    A new key that the old one has signed for takes its place, in an order in which every reader
    finds one key that counts, wherever this is stopped: first the statement is listed, then the
    key is logged, then it is listed. Run again, it goes on. Raises TookTooLong while the agent has
    no key, AgentKeyRefused for one that nobody signed for, and WitnessesMissing.
    """
    made, publisher = _await_key(context), open_publisher(context)
    path = agents_path(context)
    before = read_published(path)
    try:
        listed = plan_agent_list(before, made, list_rotations(context.settings.agent_dir))
        logged = list_agent_keys(publisher, made.host_id)
        announced = plan_announcement(before, listed, made.host_id, logged)
    except ValueError as error:
        raise AgentKeyRefused(str(error), reason=str(error)) from error
    if announced:
        _write(path, announced)
    log_agents(publisher, listed)
    _write(path, listed)
    return listed


def agents_path(context: Context) -> Path:
    """The published list of agents."""
    return context.settings.evidence_dir / context.settings.base_host / "agents.json"


def read_published(path: Path) -> AgentList:
    """Nobody is listed before the first time. Raises AgentKeyRefused for what is no list."""
    if not path.is_file():
        return AgentList()
    try:
        return read_agent_list(path.read_bytes())
    except ValueError as error:
        raise AgentKeyRefused(str(error), reason=f"{path} cannot be read") from error


def _await_key(context: Context) -> AgentKey:
    made, waited = context.settings.agent_dir / "agent.json", 0.0
    while not made.is_file():
        if waited > PATIENCE:
            raise TookTooLong(what="Making this host's checking key", seconds=PATIENCE)
        context.clock.sleep(PAUSE)
        waited += PAUSE
    return read_agent(made.read_bytes())


def _write(path: Path, listed: AgentList) -> None:
    content = write_agent_list(listed)
    if not path.is_file() or path.read_bytes() != content:
        write_atomically(path, content)
