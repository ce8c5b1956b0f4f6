"""The agents of all machines are published, and each node is named by its host."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioner.core.appraisal.agents import AgentKey, read_agent_list
from provisioner.engine.releases.enrol import enrol_agents
from provisioner.engine.releases.publisher import open_publisher
from provisioner.errors import AgentUnreadable
from provisioner.models.service import Node
from provisioner.publishing.create import create_publisher
from tests.core.test_appraisal_dsse import public_of
from tests.fakes import FakeContext, make_context
from tests.publishing.place import NOW

HERE, THERE, AWAY = (
    public_of(Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32), f"h{n}") for n in (1, 2, 3)
)


@pytest.fixture
def context(tmp_path: Path) -> FakeContext:
    context = make_context(tmp_path)
    context.engine.nodes["node-2"] = Node("node-2", "two", "worker")
    context.engine.nodes["node-3"] = Node("node-3", "three", "worker")
    put(context.settings.agent_dir / "agent.json", HERE)
    create_publisher(open_publisher(context), now=NOW)
    return context


def put(path: Path, agent: AgentKey) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(asdict(agent)))


def hosts_of(context: FakeContext) -> list[str]:
    return [node.host_id for node in context.engine.list_nodes()]


def logged(context: FakeContext) -> set[str]:
    publisher = open_publisher(context)
    log = publisher.open_log(publisher.read_state().root.signed)
    return {entry.name for entry in log.list_entries() if entry.kind == "agent"}


def test_alone_it_names_this_node(context: FakeContext) -> None:
    enrol_agents(context)
    assert logged(context) == {"h1"}
    assert hosts_of(context) == ["h1", "", ""]


def test_agents_of_other_machines_are_brought_as_files(context: FakeContext) -> None:
    put(context.settings.hosts_dir / "two.json", THERE)
    put(context.settings.hosts_dir / "node-3.json", AWAY)
    enrol_agents(context)
    published = context.settings.evidence_dir / context.settings.base_host / "agents.json"
    assert set(read_agent_list(published.read_bytes()).agents) == {HERE, THERE, AWAY}
    assert logged(context) == {"h1", "h2", "h3"}
    assert hosts_of(context) == ["h1", "h2", "h3"]


def test_a_file_that_is_none_says_which(context: FakeContext) -> None:
    put(context.settings.hosts_dir / "two.json", THERE)
    (context.settings.hosts_dir / "two.json").write_text("{}")
    with pytest.raises(AgentUnreadable) as caught:
        enrol_agents(context)
    assert "hosts/two.json" in caught.value.explain()
    assert logged(context) == set()
