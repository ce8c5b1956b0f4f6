"""Measures one running container: files, mounts, processes, rights and settings."""

from __future__ import annotations

import json
import os

from provisioner.agent.containers import Running
from provisioner.agent.hash_file import hash_open_file, open_file
from provisioner.agent.host import Host
from provisioner.agent.measure_tree import measure_tree, open_root
from provisioner.agent.mountinfo import read_mountinfo
from provisioner.agent.processes import (
    Vanished,
    find_members,
    open_first,
    open_process,
    read_processes,
    read_small,
    read_status,
)
from provisioner.agent.reference import find_claim
from provisioner.models.evidence import (
    UNREADABLE,
    ContainerSeen,
    hash_command,
    hash_value,
)

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_SETTING_LIMIT = 4 << 20


def measure(host: Host, container: Running) -> ContainerSeen:
    """Everything about the container now. Raises Vanished when it ends meanwhile."""
    claim = find_claim(host.repository, container)
    with open_first(host.proc, container.pid, container.id) as first:
        mounts = tuple(read_mountinfo(read_small(first, "mountinfo")))
        status = read_status(first)
        members = find_members(host.proc, container.pid, container.id)
        rights, users = _measure_rights(host, members)
        seen = ContainerSeen(
            service=container.labels.get("org.taarafo.service", ""),
            container=container.id,
            image=container.image,
            image_id=container.image_id,
            command_sha256=hash_command(container.command),
            started=container.started,
            tree=measure_tree(host, first, container, claim, mounts),
            mounts=mounts,
            processes=read_processes(host.proc, container.pid, members),
            capabilities=rights,
            users=users,
            seccomp=status.seccomp,
            no_new_privileges=status.no_new_privileges,
            read_only_root=any(m.path == "/" and m.read_only for m in mounts[:1]),
            environment=_describe_environment(first, container),
            settings=_measure_settings(first, container.settings),
            declared=_read_declared(container),
        )
        read_small(first, "stat")  # it still runs, so what was read was its own
    return seen


def _measure_settings(process: int, paths: tuple[str, ...]) -> dict[str, str]:
    """SHA-256 of each rendered config, as the container's first process sees it."""
    root = open_root(process)
    try:
        return {path: _hash_below(root, path) for path in paths}
    finally:
        os.close(root)


def _hash_below(root: int, path: str) -> str:
    """Hash of an absolute path inside `root`, following no link on the way."""
    folder = os.dup(root)
    try:
        *above, name = [part for part in path.split("/") if part not in ("", ".", "..")]
        for part in above:
            inner = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        fd = open_file(name, folder)
        return hash_open_file(fd, _SETTING_LIMIT)[1] if fd >= 0 else UNREADABLE
    except OSError:
        return UNREADABLE
    finally:
        os.close(folder)


def _measure_rights(host: Host, members: list[int]) -> tuple[str, tuple[int, ...]]:
    """Every capability that any process has in any of its sets, in hex; every user of them."""
    together, users = 0, set[int]()
    for pid in members:
        try:
            with open_process(host.proc, pid) as process:
                status = read_status(process)
        except Vanished:
            continue
        together |= status.capabilities
        users |= status.users
    return f"{together:016x}", tuple(sorted(users))


def _describe_environment(first: int, container: Running) -> dict[str, str]:
    """Hash of each variable that the first process was started with, or Docker told to."""
    begun = read_small(first, "environ").decode("utf-8", "surrogateescape").split("\0")
    pairs = (line.partition("=") for line in (*container.environment, *begun))
    return {name: hash_value(value) for name, is_pair, value in pairs if is_pair}


def _read_declared(container: Running) -> dict[str, str]:
    """Hashes of the configs as the control plane rendered them, from the container's label."""
    try:
        declared = json.loads(container.labels.get("org.taarafo.configs", "{}"))
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in declared.items()} if isinstance(declared, dict) else {}
