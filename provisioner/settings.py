"""The only reader of the environment: every setting, its default and what it means."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError, model_validator

from provisioner.errors import SettingWrong

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "TAARAFO_"


class Settings(BaseModel):
    """Read from `TAARAFO_*`; paths are derived so that one folder holds all state.

    What is given by name wins over the environment.
    """

    state: Path = Field(Path("/var/lib/taarafo"), description="Folder with everything we keep")
    cache: Path = Field(
        Path("/var/cache/taarafo"), description="Folder for wheels, packages and built images"
    )
    domain: str = Field("", description="Your domain; empty means local mode on this machine")
    port: int = Field(8080, ge=1, le=65535, description="Port of the edge in local mode")
    registry_port: int = Field(5000, ge=1, le=65535, description="Loopback port of the registry")
    database_url: str = Field("", description="SQLAlchemy address; empty means SQLite")
    docker_host: str = Field("unix:///var/run/docker.sock", description="Where Docker listens")
    secrets_dir: Path = Field(
        Path("/run/secrets"), description="Where Swarm mounts secrets inside our containers"
    )
    queue_host: str = Field("queue", description="Host name of Redis on the private network")
    queue_port: int = Field(6379, ge=1, le=65535, description="Port of Redis")
    stack: str = Field("taarafo", description="Prefix of every Swarm object we make")
    step_deadline_seconds: int = Field(
        120, ge=1, description="How long one step may wait for a part that does not answer"
    )
    lease_seconds: float = Field(
        15.0, gt=0, description="A worker silent for this long has lost its operation"
    )
    sweep_seconds: float = Field(10.0, gt=0, description="How often stranded work is picked up")
    watch_seconds: float = Field(
        60.0, gt=0, description="How often memory and verdicts of communities are looked at"
    )
    minimum_free_mb: int = Field(
        2048, ge=0, description="Free disk below which nothing new is started"
    )
    upgrades_at_once: int = Field(
        4, ge=1, description="How many communities are upgraded by themselves at the same time"
    )
    rollback_days: int = Field(
        14, ge=1, description="How long the version before an upgrade is kept, to go back to it"
    )
    max_communities: int = Field(10_000, ge=1, description="Most communities on this control plane")

    quota_mb: int = Field(
        0, ge=0, description="MB of data that a community may have unless told; 0 is no limit"
    )

    backup_dir: str = Field(
        "", description="Folder for backups; empty means `backups` in the state folder"
    )

    backup_s3: str = Field(
        "", description="Also back up to an S3 store: `s3:https://host/bucket/folder`"
    )

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - judged by each field
        """Raises SettingWrong."""
        try:
            super().__init__(**given)
        except ValidationError as error:
            first = error.errors()[0]
            name = PREFIX + "_".join(str(part) for part in first["loc"]).upper()
            raise SettingWrong(name=name, reason=first["msg"].lower()) from error

    @model_validator(mode="before")
    @classmethod
    def _read_environment(cls, given: dict[str, Any]) -> dict[str, Any]:
        names = {PREFIX + name.upper(): name for name in cls.model_fields}
        return {name: os.environ[key] for key, name in names.items() if key in os.environ} | given

    # -- addresses ---------------------------------------------------------------------------

    @property
    def is_local(self) -> bool:
        return not self.domain

    @property
    def base_host(self) -> str:
        """Host name of the control plane; communities live one label below it."""
        return self.domain or "localhost"

    @property
    def port_suffix(self) -> str:
        return f":{self.port}" if self.is_local and self.port != 80 else ""

    @property
    def address(self) -> str:
        """Address of the control plane: its host name, with the port in local mode."""
        return self.base_host + self.port_suffix

    @property
    def scheme(self) -> str:
        return "http" if self.is_local else "https"

    @property
    def url(self) -> str:
        """Address of the wizard, without a trailing slash."""
        return f"{self.scheme}://{self.address}"

    def host_of(self, label: str) -> str:
        """`smith-family` → `smith-family.localhost` (no port)."""
        return f"{label}.{self.base_host}"

    def address_of(self, label: str) -> str:
        """Host name, with the port in local mode."""
        return self.host_of(label) + self.port_suffix

    def url_of(self, label: str) -> str:
        return f"{self.scheme}://{self.address_of(label)}"

    # -- where things are: below the state folder, which is /run/taarafo in our containers -----

    @property
    def db_dir(self) -> Path:
        return self.state / "db"

    @cached_property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.db_dir / 'taarafo.sqlite3'}"

    @property
    def edge_dir(self) -> Path:
        """`<edge>/<host>/http.sock` is where each community answers."""
        return self.state / "edge"

    @property
    def gateway_socket(self) -> Path:
        """The edge's own Unix socket: the same front door without a network."""
        return self.state / "gateway" / "edge.sock"

    @property
    def evidence_dir(self) -> Path:
        """`<evidence>/<host>/…` is served under `/.well-known/taarafo/` of that host."""
        return self.state / "evidence"

    @property
    def communities_dir(self) -> Path:
        return self.state / "communities"

    @property
    def backups_dir(self) -> Path:
        """`<community id>` in it is a restic repository, encrypted with that community's words."""
        return Path(self.backup_dir) if self.backup_dir else self.state / "backups"

    @property
    def repository_dir(self) -> Path:
        """The public TUF repository: `metadata/` and `targets/`."""
        return self.state / "releases"

    @property
    def publisher_dir(self) -> Path:
        """Signing keys and the publisher's working copy; may be moved offline."""
        return self.state / "publisher"

    @property
    def trust_dir(self) -> Path:
        """`root.json` this control plane ships with, and the client's metadata cache."""
        return self.state / "trust"

    @property
    def keys_dir(self) -> Path:
        """Master key, session key and queue password; root only."""
        return self.state / "keys"

    def read_secret(self, name: str) -> bytes:
        """A control-plane secret: mounted by Swarm, or the operator's file on the host.

        Raises SettingWrong when it is in neither place.
        """
        for path in (self.secrets_dir / name, self.keys_dir / name):
            if path.is_file():
                return path.read_bytes().strip()
        raise SettingWrong(name=name, reason=f"there is no such file in {self.keys_dir}")

    @property
    def control_plane_file(self) -> Path:
        """What `up` deployed: image references by name, as JSON."""
        return self.state / "control-plane.json"

    @property
    def upgrade_dir(self) -> Path:
        """The journal of an upgrade of the control plane, what runs, and what ran before."""
        return self.state / "upgrade"

    @property
    def standby_file(self) -> Path:
        """While it is there, the worker does nothing and the web opens behind a closed door."""
        return self.db_dir / "standby"

    @property
    def ready_file(self) -> Path:
        """A worker that stands by says here that it reaches all that it needs."""
        return self.db_dir / "worker-ready"

    @property
    def web_dir(self) -> Path:
        """The web's folder below the edge's."""
        return self.edge_dir / self.base_host

    @property
    def own_verdict_file(self) -> Path:
        """What the last check of the control plane itself said, as JSON."""
        return self.db_dir / "control-plane-verdict.json"

    @property
    def troubles_dir(self) -> Path:
        """What of the worker's regular chores does not work now, one JSON file each."""
        return self.db_dir / "troubles"

    @property
    def authorities_file(self) -> Path:
        """PEM certificates of those who may certify witnesses, besides the system's own."""
        return self.trust_dir / "authorities.pem"

    @property
    def agent_dir(self) -> Path:
        """The agent's signing key, its public half (`agent.json`) and who it was before."""
        return self.state / "agent"

    @property
    def agent_door_dir(self) -> Path:
        """`http.sock` in it is where the agent answers challenges that the edge brings."""
        return self.state / "agent-door"

    @property
    def hosts_dir(self) -> Path:
        """`<node>.json`: the public halves of other machines' agents, brought by the operator."""
        return self.state / "hosts"

    @property
    def registry_dir(self) -> Path:
        return self.state / "registry"

    @property
    def registry(self) -> str:
        """Prefix of image references on this control plane."""
        return f"127.0.0.1:{self.registry_port}"
