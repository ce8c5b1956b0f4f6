"""A community on two machines of one Swarm: two engines, two agents, one address."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisioner.adapters.swarm import Swarm
from provisioner.core.placement import find_hosts
from provisioner.models.service import ServiceSpec
from provisioner.models.verdict import Outcome, Verdict
from tests.live.test_agent import HOST, await_that, plant
from tests.live.two_hosts import TwoHosts, begin_places, read_instance, two_engines
from tests.publishing.test_build_edge import caddy, free_port, running

__all__ = ["caddy"]
pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def hosts(
    engine: object, caddy: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TwoHosts]:
    """The real edge stands on the first host, and knows a way to the door of the other."""
    folder, port = tmp_path_factory.mktemp("two"), free_port()
    with two_engines() as engines, begin_places(engines, folder) as places:
        hosts = TwoHosts(places[0], places[1], port)
        serving = places[0].folder
        for name in (f"edge/{HOST}", "gateway"):
            (serving / name).mkdir(parents=True)
        (serving / "agent-door").symlink_to(".")
        (serving / hosts.ids[1]).symlink_to(places[1].folder)
        with running(caddy, serving, port):
            yield hosts


@pytest.fixture
def community(hosts: TwoHosts, request: pytest.FixtureRequest) -> Iterator[TwoHosts]:
    hosts.start(*getattr(request, "param", hosts.ids))
    yield hosts
    hosts.stop()


def bad(verdict: Verdict) -> list[str]:
    return [each.detail for each in verdict.findings if each.outcome != Outcome.GENUINE]


def test_the_swarm_says_on_which_hosts_a_task_may_run(hosts: TwoHosts) -> None:
    swarm = Swarm(hosts.one.engine.docker_host)
    nodes = {node.role: node for node in swarm.list_nodes()}
    assert nodes["manager"].is_here
    assert not nodes["worker"].is_here
    swarm.name_host(nodes["manager"].id, hosts.ids[0])
    anywhere = ServiceSpec("x", "x@sha256:0", is_global=True)
    named = tuple(sorted((hosts.ids[0], nodes["worker"].id)))
    assert find_hosts(anywhere, swarm.list_nodes()) == named
    for _ in range(2):
        swarm.name_host(nodes["worker"].id, hosts.ids[1])
    assert find_hosts(anywhere, swarm.list_nodes()) == tuple(sorted(hosts.ids))


def test_both_hosts_are_genuine_and_each_answers_for_itself(community: TwoHosts) -> None:
    community.await_outcome(Outcome.GENUINE)
    verdict = community.check()
    assert verdict.outcome == Outcome.GENUINE, verdict
    details = [each.detail for each in verdict.findings]
    assert "2 hosts of this community reported, and none is missing." in details
    for host in community.ids:
        assert f"Host {host}: The agent of host {host} signed this report." in details
        answered = [each for each in details if f"Host {host}: The report was made" in each]
        assert answered[0].endswith("It answers our own question.")
    assert read_instance(community.one)["hosts"] == sorted(community.ids)


@pytest.mark.attack("one of two machines changed", "MODIFIED")
@pytest.mark.parametrize("which", [0, 1])
def test_the_machine_that_was_changed_is_named(
    community: TwoHosts, tmp_path: Path, which: int
) -> None:
    community.await_outcome(Outcome.GENUINE)
    place = (community.one, community.other)[which]
    forged = tmp_path / "main.py"
    forged.write_text("print('forged')\n")
    plant(place.pid(), forged, "/app/main.py")
    verdict = community.await_outcome(Outcome.MODIFIED)
    assert bad(verdict)
    assert all(each.startswith(f"Host {community.ids[which]}: ") for each in bad(verdict))
    assert any("/app/main.py" in each.paths for each in verdict.findings)


@pytest.mark.attack("the agent of another machine killed", "UNVERIFIABLE")
def test_a_machine_whose_agent_was_killed_is_named(community: TwoHosts) -> None:
    community.await_outcome(Outcome.GENUINE)
    community.other.agent.kill()
    community.other.agent.wait(10)
    try:
        verdict = community.check()
        assert verdict.outcome == Outcome.UNVERIFIABLE
        missing = f"There is no report of {community.ids[1]}, where this community runs too."
        assert bad(verdict) == [missing]
    finally:
        community.restart_agent(community.other)
    community.await_outcome(Outcome.GENUINE)


@pytest.mark.attack("the agent of the serving machine killed", "STALE")
def test_what_a_killed_agent_left_runs_out(community: TwoHosts) -> None:
    community.await_outcome(Outcome.GENUINE)
    community.one.agent.kill()
    community.one.agent.wait(10)
    try:
        assert community.check().outcome == Outcome.GENUINE  # it was measured minutes ago
        later = datetime.now(UTC) + timedelta(minutes=6)
        verdict = community.check(is_asked=False, now=later)
        assert verdict.outcome == Outcome.STALE
        assert any(each.startswith(f"Host {community.ids[0]}: ") for each in bad(verdict))
    finally:
        community.restart_agent(community.one)
    await_that(lambda: community.check(is_asked=False).outcome == Outcome.GENUINE)


@pytest.mark.attack("a machine left out of the list", "UNVERIFIABLE")
def test_a_machine_that_the_list_leaves_out_is_found(hosts: TwoHosts) -> None:
    hosts.start(hosts.ids[0])
    try:
        said = f"It runs on {hosts.ids[1]} too, where it is not said to run."
        await_that(lambda: bad(hosts.check(is_asked=False)) == [said], what=hosts.check)
        assert hosts.check().outcome == Outcome.UNVERIFIABLE
    finally:
        hosts.stop()


@pytest.mark.attack("the report of a machine not served", "UNVERIFIABLE")
def test_a_machine_whose_report_is_not_served_is_named(community: TwoHosts) -> None:
    community.await_outcome(Outcome.GENUINE)
    way = community.one.folder / community.ids[1]
    way.unlink()
    try:
        verdict = community.check()
        assert verdict.outcome == Outcome.UNVERIFIABLE
        assert community.ids[1] in bad(verdict)[0]
    finally:
        way.symlink_to(community.other.folder)


@pytest.mark.attack("a machine whose agent is not enrolled", "REJECTED")
def test_a_machine_that_is_not_enrolled_is_refused(community: TwoHosts) -> None:
    community.await_outcome(Outcome.GENUINE)
    verdict = community.check(enrolled=community.one.agent_keys())
    assert verdict.outcome == Outcome.REJECTED
    assert any(each.startswith(f"Host {community.ids[1]}: ") for each in bad(verdict))
