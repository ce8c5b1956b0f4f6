"""What the parts of the control plane may touch, compared as values."""

from __future__ import annotations

from provisioner.core.control_plane import Ground, plan_control_plane
from provisioner.models.service import Mount, ServiceSpec

STATE = "/var/lib/taarafo"
GROUND = Ground(
    stack="t",
    images=dict.fromkeys(("control", "edge", "queue", "registry"), "x@sha256:0"),
    state=STATE,
    base_host="localhost",
    domain="",
    port=8080,
    registry_port=5000,
    docker_socket="/run/docker.sock",
    docker_gid=999,
    docker_root="/var/lib/docker",
)


def plan(name: str) -> ServiceSpec:
    return next(spec for spec in plan_control_plane(GROUND) if spec.name == f"t-{name}")


def test_the_edge_reaches_the_agents_door_and_cannot_change_it() -> None:
    agent, edge = plan("agent"), plan("edge")
    door = f"{STATE}/agent-door"
    assert Mount(door, door) in agent.mounts
    assert agent.command[agent.command.index("--door") + 1] == door
    assert Mount(door, "/run/agent-door", read_only=True) in edge.mounts


def test_nobody_else_comes_near_the_agents_door_or_its_key() -> None:
    for name in ("web", "worker", "queue", "registry", "edge"):
        sources = [mount.source for mount in plan(name).mounts]
        assert f"{STATE}/agent" not in sources
        assert name == "edge" or f"{STATE}/agent-door" not in sources
