"""What the control plane stands on here: read from the settings and from this machine."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from provisioner.core.control_plane import Ground
from provisioner.engine.context import Context
from provisioner.files import write_atomically


def read_ground(context: Context) -> Ground:
    settings = context.settings
    docker_socket = settings.docker_host.removeprefix("unix://")
    return Ground(
        stack=settings.stack,
        registry=settings.registry,
        state=str(settings.state),
        base_host=settings.base_host,
        address=settings.address,
        domain=settings.domain,
        port=settings.port,
        registry_port=settings.registry_port,
        docker_socket=docker_socket,
        docker_gid=Path(docker_socket).stat().st_gid,
        docker_root=context.engine.get_root_dir(),
        quota_mb=settings.quota_mb,
    )


def ensure_keys(context: Context) -> None:
    """Mint the control plane's own secrets once; they never change by running this again."""
    from provisioner.adapters.vault import new_master_key

    makers: dict[str, Callable[[], bytes]] = {
        "master.key": new_master_key,
        "session.key": lambda: secrets.token_hex(32).encode(),
        "queue_password": lambda: secrets.token_urlsafe(32).encode(),
    }
    for name, make in makers.items():
        path = context.settings.keys_dir / name
        if not path.exists():
            write_atomically(path, make(), mode=0o600)


def describe_deployed(
    context: Context, images: Mapping[str, str], places: Mapping[str, str] = MappingProxyType({})
) -> str:
    """What is deployed, and from where, for every later command and for the worker."""
    deployed = {"images": dict(images), "state": str(context.settings.state), **places}
    return json.dumps(deployed, indent=2, sort_keys=True) + "\n"


def record_deployed(
    context: Context, images: Mapping[str, str], places: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Leave it where they look."""
    write_deployed(context, describe_deployed(context, images, places))


def write_deployed(context: Context, deployed: str) -> None:
    path, text = context.settings.control_plane_file, deployed.encode()
    if path.exists() and path.read_bytes() == text:
        return
    path.write_bytes(text)  # in place: a running worker has this very file mounted
    os.chmod(path, 0o644)  # noqa: PTH101 - holds digests only
