"""Publish which agents' signatures count, once each host's agent has made its key.

This machine's agent writes its public half here. Those of other machines are brought by hand, as
`hosts/<name or id of the node>.json` in the state folder, and the statements of their rotations as
`hosts/<name or id of the node>/rotation-<number>.dsse`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from provisioner.agent.rotate import list_rotations
from provisioner.core.appraisal.agents import (
    AgentKey,
    AgentList,
    read_agent,
    read_agent_list,
    write_agent_list,
)
from provisioner.core.appraisal.enrolment import keep_hosts, plan_agent_list, plan_announcement
from provisioner.engine.context import Context
from provisioner.engine.releases.publisher import open_publisher
from provisioner.errors import AgentKeyRefused, AgentUnreadable, TookTooLong
from provisioner.files import write_atomically
from provisioner.publishing.agents import list_agent_keys, log_agents

PATIENCE, PAUSE = 30, 0.1  # seconds


def enrol_agents(context: Context) -> AgentList:
    """Log the agents of all hosts, list them under the control plane's own address, and name the
    nodes' hosts.

    A new key that the old one has signed for takes its place, in an order in which every reader
    finds one key that counts, wherever this is stopped: first the statement is listed, then the
    key is logged, then it is listed. Run again, it goes on. Raises TookTooLong while the agent has
    no key, AgentUnreadable for a file that was brought and is none, AgentKeyRefused for a key that
    nobody signed for, and WitnessesMissing.
    """
    made, brought = _await_key(context), _read_brought(context.settings.hosts_dir)
    publisher, path = open_publisher(context), agents_path(context)
    before = read_published(path)
    try:
        listed = _plan_list(context, before, made, brought)
        logged = {each.host_id: list_agent_keys(publisher, each.host_id) for each in listed.agents}
        announced = plan_announcement(before, listed, logged)
    except ValueError as error:
        raise AgentKeyRefused(str(error), reason=str(error)) from error
    if announced:
        _write(path, announced)
    log_agents(publisher, listed, now=context.clock.now())
    _write(path, listed)
    _name_hosts(context, made, brought)
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


def _plan_list(
    context: Context, before: AgentList, made: AgentKey, brought: Mapping[str, AgentKey]
) -> AgentList:
    """Raises ValueError for a key that the listed one did not sign for."""
    settings = context.settings
    listed = keep_hosts(before, {each.host_id for each in (made, *brought.values())})
    listed = plan_agent_list(listed, made, list_rotations(settings.agent_dir))
    for node, agent in brought.items():
        listed = plan_agent_list(listed, agent, list_rotations(settings.hosts_dir / node))
    return listed


def _name_hosts(context: Context, made: AgentKey, brought: Mapping[str, AgentKey]) -> None:
    for node in context.engine.list_nodes():
        own = made if node.is_here else brought.get(node.name, brought.get(node.id))
        if own:
            context.engine.name_host(node.id, own.host_id)


def _await_key(context: Context) -> AgentKey:
    made, waited = context.settings.agent_dir / "agent.json", 0.0
    while not made.is_file():
        if waited > PATIENCE:
            raise TookTooLong(what="Making this host's checking key", seconds=PATIENCE)
        context.clock.sleep(PAUSE)
        waited += PAUSE
    return read_agent(made.read_bytes())


def _read_brought(folder: Path) -> dict[str, AgentKey]:
    """The agents of other machines by the name of the file. Raises AgentUnreadable."""
    found = {}
    for file in sorted(folder.glob("*.json")):
        try:
            found[file.stem] = read_agent(file.read_bytes())
        except (OSError, ValueError) as error:
            raise AgentUnreadable(str(error), file=file, reason=str(error)) from error
    return found


def _write(path: Path, listed: AgentList) -> None:
    content = write_agent_list(listed)
    if not path.is_file() or path.read_bytes() != content:
        write_atomically(path, content)
