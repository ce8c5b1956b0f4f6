"""The release of the control plane, planned for one machine: values are compared, no Docker."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from provisioner.core.control_plane import (
    CONTROL_UID,
    EDGE_UID,
    PARTS,
    REGISTRY_UID,
    Ground,
    plan_control_plane,
    plan_part,
)
from provisioner.models.release import Release
from provisioner.models.service import Mount
from tests.core.own_release import make_own_release

GROUND = Ground(
    stack="mine",
    registry="127.0.0.1:5000",
    state="/srv/where",
    base_host="localhost",
    address="localhost:8080",
    domain="",
    port=8080,
    registry_port=5000,
    docker_socket="/run/other.sock",
    docker_gid=77,
    docker_root="/srv/docker",
)
WITH_DOMAIN = replace(GROUND, base_host="example.org", address="example.org", domain="example.org")
WATCHED = replace(GROUND, is_watched=True)
RELEASE = make_own_release()
PLAN = {spec.name.removeprefix("mine-"): spec for spec in plan_control_plane(GROUND, RELEASE)}


def test_every_part_of_the_release_is_planned_in_order() -> None:
    assert tuple(PLAN) == PARTS
    assert set(RELEASE.recipe.parts) == set(PARTS)


def test_the_same_release_gives_the_same_plan_when_it_is_read_again() -> None:
    """Else every `up` would start everything anew."""
    again = Release.from_bytes(RELEASE.to_bytes())
    assert plan_control_plane(GROUND, again) == list(PLAN.values())


@pytest.mark.parametrize("name", PARTS)
def test_a_part_is_started_as_the_release_says(name: str) -> None:
    spec, part = PLAN[name], RELEASE.recipe.parts[name]
    image = RELEASE.images[part.image]
    assert spec.image == f"127.0.0.1:5000/taarafo/{part.image}@{image.digest}"
    assert spec.command == part.command
    assert spec.user.startswith(f"{part.uid}:")
    assert spec.read_only
    assert spec.labels["org.taarafo.service"] == name
    assert spec.labels["org.taarafo.release"] == RELEASE.target
    assert spec.labels["org.taarafo.address"] == "localhost:8080"


def test_where_the_state_is_changes_nothing_that_a_check_compares() -> None:
    moved = plan_control_plane(replace(GROUND, state="/mnt/disk"), RELEASE)
    for spec, before in zip(moved, PLAN.values(), strict=True):
        kept = {mount.target: mount.read_only for mount in before.mounts}
        assert {mount.target: mount.read_only for mount in spec.mounts} == kept
        assert replace(spec, mounts=()) == replace(before, mounts=())
        assert "/mnt/disk" not in json.dumps(asdict(replace(spec, mounts=())))


def test_each_part_has_its_own_folders_of_the_host() -> None:
    sources = {name: {m.target: m.source for m in spec.mounts} for name, spec in PLAN.items()}
    assert sources["web"]["/run/web"] == "/srv/where/edge/localhost"
    assert sources["web"]["/run/taarafo/db"] == "/srv/where/db"
    assert sources["agent"]["/host/containers"] == "/srv/docker/containers"
    assert sources["worker"]["/run/docker.sock"] == "/run/other.sock"
    assert [name for name in PARTS if "/run/docker.sock" in sources[name]] == ["worker"]


def test_a_release_cannot_name_a_folder_that_nobody_thought_of() -> None:
    with pytest.raises(KeyError):
        GROUND.get_source("/etc")
    with pytest.raises(KeyError):
        plan_part(GROUND, RELEASE, "spy")


def test_only_the_agent_is_root_and_has_rights() -> None:
    assert {name: spec.capabilities for name, spec in PLAN.items() if spec.capabilities} == {
        "agent": ("CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH")
    }
    assert [name for name, spec in PLAN.items() if spec.user.startswith("0:")] == ["agent"]
    assert PLAN["agent"].secrets == ()
    assert PLAN["worker"].user.endswith(":77")


def test_users_own_what_the_machine_was_prepared_with() -> None:
    uids = {name: part.uid for name, part in RELEASE.recipe.parts.items()}
    assert uids["web"] == uids["worker"] == CONTROL_UID
    assert (uids["edge"], uids["registry"]) == (EDGE_UID, REGISTRY_UID)


def test_local_mode_publishes_no_port_and_a_domain_does() -> None:
    assert PLAN["edge"].environment["BIND"] == "127.0.0.1 [::1]"
    assert not any(spec.host_ports for spec in PLAN.values())
    edge = plan_part(WITH_DOMAIN, RELEASE, "edge")
    assert edge.host_ports == ((80, 8080), (443, 8443))
    assert edge.environment == {"BASE_HOST": "example.org", "PORT": "8080", "BIND": "0.0.0.0"}  # noqa: S104


def test_the_edge_reaches_the_agents_door_and_cannot_change_it() -> None:
    agent, edge = PLAN["agent"], PLAN["edge"]
    door, inside = "/srv/where/agent-door", "/run/taarafo/agent-door"
    assert Mount(door, inside) in agent.mounts
    assert agent.command[agent.command.index("--door") + 1] == inside
    assert Mount(door, "/run/agent-door", read_only=True) in edge.mounts


def test_nobody_else_comes_near_the_agents_door_or_its_key() -> None:
    for name in ("web", "worker", "queue", "registry", "edge"):
        sources = [mount.source for mount in PLAN[name].mounts]
        assert "/srv/where/agent" not in sources
        assert name == "edge" or "/srv/where/agent-door" not in sources


def test_the_worker_has_a_way_out_only_while_the_log_has_witnesses() -> None:
    assert PLAN["worker"].networks == ("mine-private",)
    watched = {spec.name: spec for spec in plan_control_plane(WATCHED, RELEASE)}
    assert watched["mine-worker"].networks == ("mine-private", "mine-witnesses")
    others = [name for name, spec in watched.items() if "mine-witnesses" in spec.networks]
    assert others == ["mine-worker"]
