"""Frozen values that say what should run: services, one-shot jobs and their parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True)
class Mount:
    """A bind mount. `source` must exist before the task starts (a job makes it)."""

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True)
class Tmpfs:
    target: str
    size_mb: int = 16


@dataclass(frozen=True)
class FileRef:
    """A Swarm secret or config, by name, mounted read-only at `target`."""

    name: str
    target: str
    uid: int = 0
    gid: int = 0
    mode: int = 0o400


@dataclass(frozen=True)
class Limits:
    memory_mb: int = 256
    cpus: float = 1.0
    pids: int = 128


@dataclass(frozen=True)
class ServiceSpec:
    """One Swarm service. `image` is `repository@sha256:…`, never a tag."""

    name: str
    image: str
    entrypoint: tuple[str, ...] = ()  # in place of the image's own
    command: tuple[str, ...] = ()
    user: str = "65534:65534"
    environment: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    tmpfs: tuple[Tmpfs, ...] = ()
    secrets: tuple[FileRef, ...] = ()
    configs: tuple[FileRef, ...] = ()
    networks: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    host_ports: tuple[tuple[int, int], ...] = ()  # (published, target), host mode
    capabilities: tuple[str, ...] = ()  # added after ALL were dropped
    limits: Limits = Limits()
    is_global: bool = False
    replicas: int = 1
    constraints: tuple[str, ...] = ()
    stop_grace_seconds: int = 10
    read_only: bool = True


@dataclass(frozen=True)
class JobSpec:
    """One command that runs to its end on one node. `service.replicas` is ignored."""

    service: ServiceSpec


@dataclass(frozen=True)
class LocalImage:
    """An image that an engine keeps. `references` are the names by which it can be removed."""

    id: str
    references: tuple[str, ...] = ()  # repository@sha256:… and repository:tag
    is_used: bool = False  # by a container that has not ended


class JobState(StrEnum):
    MISSING = "missing"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True)
class Node:
    """One machine of the Swarm. `host_id` is of its agent; empty while none is enrolled there."""

    id: str
    name: str = ""
    role: str = "manager"  # Swarm's word: manager or worker
    host_id: str = ""
    is_here: bool = False


@dataclass(frozen=True)
class TaskStatus:
    """What Swarm says of the newest task of a service."""

    state: str  # Swarm's word: new, pending, preparing, starting, running, complete, failed …
    message: str = ""
    container_id: str = ""
    node_id: str = ""
