"""Decide which services the control plane itself is made of. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.models.service import FileRef, Limits, Mount, ServiceSpec, Tmpfs

CONTROL_UID, EDGE_UID, QUEUE_UID, REGISTRY_UID = 10001, 10002, 10003, 10004
PROXIED_SOCKET = "/var/run/docker.sock"


@dataclass(frozen=True)
class Ground:
    """What the control plane stands on: names, paths and ports of this machine."""

    stack: str
    images: dict[str, str]  # name -> reference by digest
    state: str
    base_host: str
    domain: str
    port: int
    registry_port: int
    docker_socket: str  # path on the host
    docker_gid: int  # group that may use it
    docker_root: str  # Docker's data-root on the host
    secrets: tuple[str, ...] = ("master.key", "session.key", "queue_password")

    def path(self, *parts: str) -> str:
        return "/".join((self.state, *parts))

    def mount(self, *parts: str, read_only: bool = False) -> Mount:
        """The same path inside as outside."""
        return Mount(self.path(*parts), self.path(*parts), read_only)

    @property
    def network(self) -> str:
        return f"{self.stack}-private"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "TAARAFO_STATE": self.state,
            "TAARAFO_DOMAIN": self.domain,
            "TAARAFO_PORT": str(self.port),
            "TAARAFO_REGISTRY_PORT": str(self.registry_port),
            "TAARAFO_STACK": self.stack,
            "TAARAFO_QUEUE_HOST": "queue",
        }

    def secret(self, name: str, uid: int) -> FileRef:
        return FileRef(f"{self.stack}-{name}", f"/run/secrets/{name}", uid, uid)


def plan_control_plane(ground: Ground) -> list[ServiceSpec]:
    """In the order in which they are started; the registry comes before all of them."""
    return [
        plan_registry(ground),
        _plan_queue(ground),
        _plan_edge(ground),
        _plan_agent(ground),
        _plan_worker(ground),
        _plan_web(ground),
    ]


def plan_registry(ground: Ground) -> ServiceSpec:
    """Serves images by digest, on this machine's loopback only."""
    return ServiceSpec(
        name=f"{ground.stack}-registry",
        image=ground.images["registry"],
        user=f"{REGISTRY_UID}:{REGISTRY_UID}",
        environment={"REGISTRY_HTTP_ADDR": f"127.0.0.1:{ground.registry_port}"},
        mounts=(Mount(ground.path("registry"), "/var/lib/registry"),),
        tmpfs=(Tmpfs("/tmp"),),  # noqa: S108 - inside the container
        networks=("host",),
        limits=Limits(256, 1.0, 64),
    )


def _plan_queue(ground: Ground) -> ServiceSpec:
    return ServiceSpec(
        name=f"{ground.stack}-queue",
        image=ground.images["queue"],
        user=f"{QUEUE_UID}:{QUEUE_UID}",
        secrets=(ground.secret("queue_password", QUEUE_UID),),
        tmpfs=(Tmpfs("/tmp"),),  # noqa: S108
        networks=(ground.network,),
        aliases=("queue",),
        limits=Limits(96, 0.5, 32),
    )


def _plan_edge(ground: Ground) -> ServiceSpec:
    """Local mode listens on loopback itself; with a domain, ports 80 and 443 are published."""
    is_local = not ground.domain
    return ServiceSpec(
        name=f"{ground.stack}-edge",
        image=ground.images["edge"],
        user=f"{EDGE_UID}:{EDGE_UID}",
        environment={
            "BASE_HOST": ground.base_host,
            "PORT": str(ground.port if is_local else 8080),
            "BIND": "127.0.0.1 [::1]" if is_local else "0.0.0.0",  # noqa: S104 - the front door
        },
        mounts=(
            Mount(ground.path("edge"), "/run/edge", read_only=True),
            Mount(ground.path("gateway"), "/run/gateway"),
            Mount(ground.path("evidence"), "/run/evidence", read_only=True),
            Mount(ground.path("agent-door"), "/run/agent-door", read_only=True),
            Mount(ground.path("releases"), "/run/releases", read_only=True),
        ),
        tmpfs=(Tmpfs("/tmp"),),  # noqa: S108
        networks=("host",) if is_local else (f"{ground.stack}-public",),
        host_ports=() if is_local else ((80, 8080), (443, 8443)),
        limits=Limits(256, 2.0, 128),
        is_global=True,
    )


def _plan_agent(ground: Ground) -> ServiceSpec:
    """Sees, but cannot change, the containers of its host; holds no credential of ours."""
    return ServiceSpec(
        name=f"{ground.stack}-agent",
        image=ground.images["control"],
        command=(
            *("python3", "-m", "provisioner.agent"),
            *("--evidence", ground.path("evidence")),
            *("--agent", ground.path("agent")),
            *("--repository", ground.path("releases")),
            *("--door", ground.path("agent-door")),
        ),
        user="0:0",
        mounts=(
            Mount("/proc", "/host/proc", read_only=True),
            Mount(f"{ground.docker_root}/containers", "/host/containers", read_only=True),
            ground.mount("releases", read_only=True),
            ground.mount("evidence"),
            ground.mount("agent"),
            ground.mount("agent-door"),
        ),
        tmpfs=(Tmpfs("/tmp"),),  # noqa: S108
        capabilities=("CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH"),
        networks=("host",),  # uses none; it only spares the node a bridge
        limits=Limits(256, 2.0, 64),
        is_global=True,
    )


def _plan_worker(ground: Ground) -> ServiceSpec:
    """The only service with Docker's socket, on a manager, without any way in.

    It also signs the two short-lived roles of the release list again (docs/threat-model.md).
    """
    return ServiceSpec(
        name=f"{ground.stack}-worker",
        image=ground.images["control"],
        command=("python3", "-m", "provisioner.worker"),
        user=f"{CONTROL_UID}:{ground.docker_gid}",
        environment={**ground.environment, "TAARAFO_DOCKER_HOST": f"unix://{PROXIED_SOCKET}"},
        mounts=(
            Mount(ground.docker_socket, PROXIED_SOCKET),
            ground.mount("db"),
            ground.mount("gateway", read_only=True),
            ground.mount("evidence", read_only=True),
            ground.mount("releases"),
            ground.mount("publisher", "keys", "snapshot-1.pem", read_only=True),
            ground.mount("publisher", "keys", "timestamp-1.pem", read_only=True),
            ground.mount("trust"),
            ground.mount("control-plane.json", read_only=True),
        ),
        secrets=tuple(ground.secret(s, CONTROL_UID) for s in ("master.key", "queue_password")),
        tmpfs=(Tmpfs("/tmp"),),  # noqa: S108
        networks=(ground.network,),
        constraints=("node.role==manager",),
        limits=Limits(512, 2.0, 128),
    )


def _plan_web(ground: Ground) -> ServiceSpec:
    """Everything people see. No Docker socket, no route out."""
    socket_dir = ground.path("edge", ground.base_host)
    return ServiceSpec(
        name=f"{ground.stack}-web",
        image=ground.images["control"],
        command=("python3", "-m", "web.serve", f"unix:{socket_dir}/http.sock"),
        user=f"{CONTROL_UID}:{EDGE_UID}",
        environment=ground.environment,
        mounts=(
            ground.mount("edge", ground.base_host),
            ground.mount("db"),
            ground.mount("gateway", read_only=True),
            ground.mount("evidence", read_only=True),
            ground.mount("releases", read_only=True),
            ground.mount("trust"),
        ),
        secrets=tuple(ground.secret(s, CONTROL_UID) for s in ground.secrets),
        tmpfs=(Tmpfs("/tmp"),),  # noqa: S108
        networks=(ground.network,),
        limits=Limits(384, 2.0, 128),
    )
