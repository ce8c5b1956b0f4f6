"""A glance: tells in milliseconds whether a container may have changed, without reading files.

It compares what the kernel says of every entry (size, times, owner, mode, inode), the mounts and
the programs. A difference starts a full measurement. No difference proves nothing, so a full
measurement follows anyway before evidence expires.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping

from provisioner.agent.containers import Running
from provisioner.agent.host import Host
from provisioner.agent.measure_tree import open_root, plan_skips
from provisioner.agent.members import find_members
from provisioner.agent.memory import Memory
from provisioner.agent.mountinfo import read_mountinfo
from provisioner.agent.processes import open_first, read_small
from provisioner.agent.programs import read_links
from provisioner.core.appraisal.contract import Contract

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DEPTH = 128


def glance(host: Host, container: Running, contract: Contract, memory: Memory) -> bytes:
    """A fingerprint of what changes when somebody changes something. Raises Vanished.

    Who came in is remembered, so that it is told also when they are gone.
    """
    digest = hashlib.blake2b(digest_size=16)
    with open_first(host.proc, container.pid, container.id) as first:
        mountinfo = read_small(first, "mountinfo")
        digest.update(mountinfo)
        skip = plan_skips(read_mountinfo(mountinfo), contract, container.id)
        with open_root(first) as root:
            for fact in _look(root, "", skip, 0):
                digest.update(fact)
    links, visitors = read_links(find_members(host.proc, container.pid, container.id))
    memory.meet(visitors)
    digest.update(ascii((links, len(memory.visitors))).encode("ascii"))
    return digest.digest()


def _look(folder: int, above: str, skip: Mapping[str, str], depth: int) -> Iterator[bytes]:
    inner: list[str] = []
    facts: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if f"{above}/{entry.name}" not in skip:
                facts.append(_facts_of(entry))
                if depth < _DEPTH and entry.is_dir(follow_symlinks=False):
                    inner.append(entry.name)
    yield "\n".join(sorted(facts)).encode("ascii")
    for name in sorted(inner):
        yield from _look_below(folder, name, f"{above}/{name}", skip, depth + 1)


def _look_below(
    folder: int, name: str, path: str, skip: Mapping[str, str], depth: int
) -> Iterator[bytes]:
    try:
        inner = os.open(name, _FOLDER, dir_fd=folder)
    except OSError:  # gone or changed meanwhile: the next glance differs
        return
    try:
        yield from _look(inner, path, skip, depth)
    finally:
        os.close(inner)


def _facts_of(entry: os.DirEntry[str]) -> str:
    try:
        s = entry.stat(follow_symlinks=False)
    except OSError:
        return ""
    owner = f"{s.st_uid}:{s.st_gid}"
    times = f"{s.st_mtime_ns} {s.st_ctime_ns}"
    return f"{entry.name!a} {s.st_mode} {s.st_ino} {owner} {s.st_size} {times}"
