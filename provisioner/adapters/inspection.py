"""Look at this machine: gather the facts that `core.diagnosis` judges. Changes nothing."""

from __future__ import annotations

import json
import os
import platform
import shutil
import socket
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from provisioner.adapters.gateway import EdgeGateway
from provisioner.adapters.kernel_trials import can_stack, can_tunnel
from provisioner.adapters.machine import DiskRoom
from provisioner.adapters.port_holder import find_port_holder
from provisioner.errors import Unavailable
from provisioner.models.machine import (
    ClockFacts,
    DockerFacts,
    FolderFacts,
    MachineFacts,
    PortFacts,
)
from provisioner.settings import Settings

HARDWARE_CLOCK = Path("/sys/class/rtc/rtc0/since_epoch")
LIFE_OF_TIMESTAMP = timedelta(days=1)  # of TUF's role `timestamp`
DOCKER_PLACES = os.pathsep.join(("/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"))


def inspect_machine(settings: Settings) -> MachineFacts:
    release = platform.freedesktop_os_release()
    state = look_at(settings.state)
    return MachineFacts(
        python=(sys.version_info.major, sys.version_info.minor),
        is_root=os.geteuid() == 0,
        system=release.get("ID", "unknown"),
        system_version=release.get("VERSION_ID", ""),
        architecture=platform.machine(),
        memory_mb=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20,
        needed_mb=settings.minimum_free_mb,
        state=state,
        cache=look_at(settings.cache),
        has_docker=shutil.which("dockerd", path=DOCKER_PLACES) is not None,
        docker_address=settings.docker_host,
        docker=ask_docker(settings),
        can_stack=can_stack(find_existing(settings.state)) if state.can_write else None,
        can_tunnel=can_tunnel(),
        ports=tuple(look_at_port(settings, port) for port in get_ports(settings)),
        clock=read_clock(settings),
        finds_local_names=finds("taarafo.localhost"),
    )


def find_existing(path: Path) -> Path:
    """The folder, or the nearest parent that is there."""
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


def look_at(path: Path) -> FolderFacts:
    folder = find_existing(path)
    is_writable = os.access(folder, os.W_OK | os.X_OK)
    read_only = bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
    room = DiskRoom(folder)
    return FolderFacts(path, is_writable and not read_only, room.free_mb(), room.total_mb())


def ask_docker(settings: Settings) -> DockerFacts | None:
    """What Docker says on its socket; None when it does not answer there."""
    docker = EdgeGateway(Path(settings.docker_host.removeprefix("unix://")))
    try:
        version = ask(docker, "/version")
        about = ask(docker, "/info")
    except (Unavailable, ValueError):
        return None
    swarm = about.get("Swarm", {})
    return DockerFacts(
        version=str(version.get("Version", "?")),
        api=str(version.get("ApiVersion", "0")),
        swarm=str(swarm.get("LocalNodeState", "inactive")),
        is_manager=bool(swarm.get("ControlAvailable")),
        live_restore=bool(about.get("LiveRestoreEnabled")),
    )


def ask(docker: EdgeGateway, path: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(docker.get_bytes("docker", path) or b"")
    return answer


def get_ports(settings: Settings) -> tuple[int, ...]:
    return (settings.port,) if settings.is_local else (80, 443)


def look_at_port(settings: Settings, port: int) -> PortFacts:
    holder = find_port_holder(port)
    return PortFacts(port, holder, is_ours=holder is not None and does_our_edge_answer(settings))


def does_our_edge_answer(settings: Settings) -> bool:
    try:
        EdgeGateway(settings.gateway_socket).get_status(settings.base_host, "/healthz")
    except Unavailable:
        return False
    return True


def read_clock(settings: Settings) -> ClockFacts:
    now = datetime.now(UTC)
    return ClockFacts(now, find_signing_time(settings), find_hardware_offset(now))


def find_signing_time(settings: Settings) -> datetime | None:
    """When the newest `timestamp` of our releases was signed, as its expiry tells."""
    try:
        signed = json.loads((settings.repository_dir / "metadata" / "timestamp.json").read_bytes())
        expires = datetime.fromisoformat(signed["signed"]["expires"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return expires - LIFE_OF_TIMESTAMP


def find_hardware_offset(now: datetime) -> float | None:
    try:
        return int(HARDWARE_CLOCK.read_text()) - now.timestamp()
    except (OSError, ValueError):
        return None


def finds(name: str) -> bool:
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return all(address[4][0] in ("127.0.0.1", "::1") for address in found)
