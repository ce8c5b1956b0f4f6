"""Decide what each part of the control plane gets of this machine. Pure.

What a part is, and all that it may have, is in its release (`templates/control/recipe.toml`). Here
is what no release can say: where on the host that is, and which networks there are.
"""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.core.appraisal.contract import EDGE_GROUP
from provisioner.models.evidence import CONTROL_PLANE
from provisioner.models.release import RecipePart, Release
from provisioner.models.service import FileRef, Limits, Mount, ServiceSpec, Tmpfs

CONTROL_UID, EDGE_UID, REGISTRY_UID = 10001, EDGE_GROUP, 10004
INSIDE = "/run/taarafo/"  # what is mounted below it is at the same place of the state folder
PARTS = ("registry", "queue", "edge", "agent", "worker", "web")


@dataclass(frozen=True)
class Ground:
    """What the control plane stands on: names, paths and ports of this machine."""

    stack: str
    registry: str  # prefix of image references
    state: str
    base_host: str
    address: str  # host name, with the port in local mode
    domain: str
    port: int
    registry_port: int
    docker_socket: str  # path on the host
    docker_gid: int  # group that may use it
    docker_root: str  # Docker's data-root on the host
    quota_mb: int = 0
    is_watched: bool = False  # whether the release log has witnesses to be asked

    def path(self, *parts: str) -> str:
        return "/".join((self.state, *parts))

    @property
    def network(self) -> str:
        return f"{self.stack}-private"

    @property
    def way_out(self) -> str:
        """The network from which the witnesses of the release log can be reached."""
        return f"{self.stack}-witnesses"

    @property
    def decided(self) -> dict[str, str]:
        """The values of the variables that a release leaves to the operator.

        In local mode the edge listens on the loopback itself.
        """
        return {
            "TAARAFO_DOMAIN": self.domain,
            "TAARAFO_PORT": str(self.port),
            "TAARAFO_REGISTRY_PORT": str(self.registry_port),
            "TAARAFO_STACK": self.stack,
            "TAARAFO_QUOTA_MB": str(self.quota_mb),
            "REGISTRY_HTTP_ADDR": self.registry,
            "BASE_HOST": self.base_host,
            "PORT": "8080" if self.domain else str(self.port),
            "BIND": "0.0.0.0" if self.domain else "127.0.0.1 [::1]",  # noqa: S104 - the front door
        }

    def get_source(self, inside: str) -> str:
        """Where on the host the path is that a part has at `inside`. Raises KeyError."""
        if inside.startswith(INSIDE):
            return self.path(inside.removeprefix(INSIDE))
        return {
            "/host/containers": f"{self.docker_root}/containers",
            "/host/proc": "/proc",
            "/run/agent-door": self.path("agent-door"),
            "/run/docker.sock": self.docker_socket,
            "/run/edge": self.path("edge"),
            "/run/evidence": self.path("evidence"),
            "/run/gateway": self.path("gateway"),
            "/run/releases": self.path("releases"),
            "/run/web": self.path("edge", self.base_host),
            "/var/lib/registry": self.path("registry"),
        }[inside]


@dataclass(frozen=True)
class _Reach:
    """Whom a part can reach, and where it may run."""

    networks: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    host_ports: tuple[tuple[int, int], ...] = ()
    group: int | None = None  # its user's own, if not told
    is_global: bool = False
    constraints: tuple[str, ...] = ()


def plan_control_plane(ground: Ground, release: Release) -> list[ServiceSpec]:
    """In the order in which they are started; the registry comes before all of them."""
    return [plan_part(ground, release, name) for name in PARTS]


def plan_part(ground: Ground, release: Release, name: str) -> ServiceSpec:
    """One part as its release says. Raises KeyError for one that is not in it."""
    part, reach = (release.recipe.services or {})[name], _plan_reach(ground)[name]
    return ServiceSpec(
        name=f"{ground.stack}-{name}",
        image=release.image_reference(ground.registry, part.image),
        command=part.command,
        user=f"{part.uid}:{part.uid if reach.group is None else reach.group}",
        environment={**part.environment, **{each: ground.decided[each] for each in part.choices}},
        labels=_plan_labels(ground, release, name),
        mounts=tuple(Mount(ground.get_source(m.path), m.path, m.read_only) for m in part.mounts),
        tmpfs=tuple(Tmpfs(target) for target in part.tmpfs),
        secrets=_plan_secrets(ground, part),
        capabilities=part.capabilities,
        networks=reach.networks,
        aliases=reach.aliases,
        host_ports=reach.host_ports,
        is_global=reach.is_global,
        constraints=reach.constraints,
        limits=Limits(part.memory_mb, part.cpus, part.pids),
    )


def _plan_labels(ground: Ground, release: Release, name: str) -> dict[str, str]:
    """As a community has them, so that the agent measures all parts as one."""
    return {
        "org.taarafo.community": CONTROL_PLANE,
        "org.taarafo.host": ground.base_host,
        "org.taarafo.address": ground.address,
        "org.taarafo.release": release.target,
        "org.taarafo.service": name,
    }


def _plan_secrets(ground: Ground, part: RecipePart) -> tuple[FileRef, ...]:
    return tuple(
        FileRef(f"{ground.stack}-{name}", f"/run/secrets/{name}", part.uid, part.uid)
        for name in part.secrets
    )


def _plan_reach(ground: Ground) -> dict[str, _Reach]:
    """Local mode uses the host's network; with a domain, ports 80 and 443 are published."""
    edge = _Reach(("host",), is_global=True)
    if ground.domain:
        ports = ((80, 8080), (443, 8443))
        edge = _Reach((f"{ground.stack}-public",), host_ports=ports, is_global=True)
    return {
        "registry": _Reach(("host",)),
        "queue": _Reach((ground.network,), aliases=("queue",)),
        "edge": edge,
        "agent": _Reach(("host",), is_global=True),  # uses none; it only spares the node a bridge
        "worker": _Reach(
            (ground.network, ground.way_out) if ground.is_watched else (ground.network,),
            group=ground.docker_gid,
            constraints=("node.role==manager",),
        ),
        "web": _Reach((ground.network,), group=EDGE_UID),
    }
