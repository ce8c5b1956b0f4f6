"""What was found out about a machine: plain facts, without a judgement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True)
class PortHolder:
    """The program that listens on a port. `pid` is 0 when it cannot be seen from here."""

    program: str
    pid: int

    def __str__(self) -> str:
        return f"{self.program} (process {self.pid})" if self.pid else self.program


@dataclass(frozen=True)
class DockerFacts:
    """What Docker says about itself."""

    version: str
    api: str  # "1.41"
    swarm: str  # Swarm's LocalNodeState: inactive, pending, active, error or locked
    is_manager: bool
    live_restore: bool


@dataclass(frozen=True)
class PortFacts:
    port: int
    holder: PortHolder | None
    is_ours: bool  # our own edge holds it


@dataclass(frozen=True)
class FolderFacts:
    """A folder, or the nearest parent that exists."""

    path: Path
    can_write: bool
    free_mb: int
    total_mb: int = 0  # of the disk; 0: not known


@dataclass(frozen=True)
class ClockFacts:
    now: datetime
    not_before: datetime | None  # a moment that has certainly passed
    hardware_offset: float | None  # seconds that the hardware clock is ahead of us


@dataclass(frozen=True)
class MachineFacts:
    python: tuple[int, int]
    is_root: bool
    system: str  # ID of os-release: "debian"
    system_version: str  # VERSION_ID of os-release: "12"
    architecture: str
    memory_mb: int
    needed_mb: int
    state: FolderFacts
    cache: FolderFacts
    has_docker: bool
    docker_address: str
    docker: DockerFacts | None  # None: it does not answer
    can_stack: bool | None  # overlay file systems; None: it could not be tried
    can_tunnel: bool | None  # VXLAN networks
    ports: tuple[PortFacts, ...]
    clock: ClockFacts
    finds_local_names: bool
