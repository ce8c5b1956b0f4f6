"""Measures one running container: files, mounts, processes, rights and settings."""

from __future__ import annotations

import json
import os
from datetime import datetime
from functools import reduce
from operator import or_

from provisioner.agent.containers import Running
from provisioner.agent.environment import describe_environment
from provisioner.agent.hash_file import hash_open_file, open_file
from provisioner.agent.host import Host
from provisioner.agent.measure_tree import measure_tree, open_root, plan_skips
from provisioner.agent.members import Members, find_members
from provisioner.agent.memory import Memory
from provisioner.agent.mountinfo import read_mountinfo
from provisioner.agent.processes import (
    Status,
    Vanished,
    open_first,
    read_link,
    read_small,
    read_status,
)
from provisioner.agent.programs import Programs, read_programs
from provisioner.agent.reference import find_claim
from provisioner.agent.routes import count_ways_out
from provisioner.agent.walk import Walk
from provisioner.models.evidence import (
    UNREADABLE,
    ContainerSeen,
    hash_bytes,
)

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_SETTING_LIMIT = 4 << 20


def measure(
    host: Host, container: Running, memory: Memory, now: datetime, *, is_full: bool = False
) -> ContainerSeen:
    """Everything about the container now. Raises Vanished when it ends meanwhile.

    Every byte is read when that is asked for or due; otherwise what changed since the last time.
    """
    memory.begin(now, is_full=is_full)
    claim = find_claim(host.repository, container)
    with open_first(host.proc, container.pid, container.id) as first, open_root(first) as root:
        mounts = tuple(read_mountinfo(read_small(first, "mountinfo")))
        members = find_members(host.proc, container.pid, container.id)
        recall = memory.recall(os.fstat(root).st_dev)
        walk = Walk(plan_skips(mounts, claim.contract, container.id), host.helpers, recall)
        tree = measure_tree(root, walk, claim, memory.full_pass)
        memory.files = recall.kept
        processes, visitors = read_programs(members, Programs(recall, memory.programs))
        memory.meet(visitors)
        rights = _measure_rights(members)
        seen = ContainerSeen(
            service=container.labels.get("org.taarafo.service", ""),
            container=container.id,
            image=container.image,
            image_id=container.image_id,
            command_sha256=hash_bytes(read_small(first, "cmdline")),
            started=container.started,
            tree=tree,
            mounts=mounts,
            processes=processes,
            capabilities=f"{rights.capabilities:016x}",
            users=tuple(sorted(rights.users)),
            groups=tuple(sorted(rights.groups)),
            workdir=read_link(first, "cwd"),
            ways_out=count_ways_out(first),
            seccomp=rights.seccomp,
            no_new_privileges=rights.no_new_privileges,
            read_only_root=any(m.path == "/" and m.read_only for m in mounts[:1]),
            environment=describe_environment(first, container.environment),
            settings={path: _hash_below(root, path) for path in container.settings},
            declared=_read_declared(container),
            execs=len(memory.visitors),
        )
        read_small(first, "stat")  # it still runs, so what was read was its own
    return seen


def _hash_below(root: int, path: str) -> str:
    """SHA-256 of a rendered config inside `root`, following no link on the way."""
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


def _measure_rights(members: Members) -> Status:
    """Every capability and user that any of them has, and only what confines all of them."""
    all_of_them = [status for status, _ in members.visit(read_status)]
    if not all_of_them:
        raise Vanished(members.container)
    return Status(
        parent=0,
        users=frozenset[int]().union(*(each.users for each in all_of_them)),
        groups=frozenset[int]().union(*(each.groups for each in all_of_them)),
        capabilities=reduce(or_, (each.capabilities for each in all_of_them)),
        seccomp=min(each.seccomp for each in all_of_them),
        no_new_privileges=all(each.no_new_privileges for each in all_of_them),
    )


def _read_declared(container: Running) -> dict[str, str]:
    """Hashes of the configs as the control plane rendered them, from the container's label."""
    try:
        declared = json.loads(container.labels.get("org.taarafo.configs", "{}"))
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in declared.items()} if isinstance(declared, dict) else {}
