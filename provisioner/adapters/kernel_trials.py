"""Try what the kernel can do, in namespaces of a short-lived thread: nothing of it stays.

Looking for module files would be a guess: modules can be built in, missing or forbidden.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

NEW_MOUNTS, NEW_NETWORK = 0x00020000, 0x40000000  # CLONE_NEWNS, CLONE_NEWNET of unshare(2)
RECURSIVE, PRIVATE = 0x4000, 0x40000  # MS_REC, MS_PRIVATE of mount(2)
NEW_LINK, ACKNOWLEDGE = 16, 0x605  # RTM_NEWLINK; NLM_F_REQUEST|ACK|EXCL|CREATE
NAME, LINK_INFO, KIND, FACTS, VXLAN_ID, VXLAN_PORT = 3, 18, 1, 2, 1, 15  # of if_link.h
DOCKER_PORT = 4789
LIBC = ctypes.CDLL(None, use_errno=True)


def can_stack(folder: Path) -> bool | None:
    """Whether an overlay file system works on this folder's disk; None when we cannot try."""
    if os.geteuid() != 0:
        return None
    with tempfile.TemporaryDirectory(prefix="taarafo-trial-", dir=folder) as place:
        parts = {name: Path(place) / name for name in ("lowerdir", "upperdir", "workdir")}
        for part in parts.values():
            part.mkdir()
        options = ",".join(f"{name}={part}" for name, part in parts.items()).encode()
        return try_apart(NEW_MOUNTS, lambda: mount_overlay(place.encode(), options))


def can_tunnel() -> bool | None:
    """Whether a VXLAN network device can be made; None when we cannot try."""
    if os.geteuid() != 0:
        return None
    return try_apart(NEW_NETWORK, lambda: make_device(b"vxlan"))


def try_apart(namespace: int, trial: Callable[[], bool | None]) -> bool | None:
    """Run the trial in a new namespace, which ends together with the thread."""
    outcome: list[bool | None] = []
    thread = threading.Thread(
        target=lambda: outcome.append(None if LIBC.unshare(namespace) else trial())
    )
    thread.start()
    thread.join()
    return outcome[0] if outcome else None


def mount_overlay(place: bytes, options: bytes) -> bool | None:
    """Keep the mount from the machine first, as namespaces begin as shared copies; where that
    is not possible (inside a chroot) nothing is tried."""
    if LIBC.mount(b"none", b"/", None, RECURSIVE | PRIVATE, None):
        return None
    return bool(LIBC.mount(b"overlay", place, b"overlay", 0, options) == 0)


def make_device(kind: bytes) -> bool:
    """Ask over rtnetlink, as Docker does; the kernel loads the module when it has it."""
    facts = attribute(VXLAN_ID, struct.pack("=I", 1))
    facts += attribute(VXLAN_PORT, struct.pack("!H", DOCKER_PORT))
    about = attribute(KIND, kind + b"\0") + attribute(FACTS, facts)
    body = bytes(16) + attribute(NAME, b"trial\0") + attribute(LINK_INFO, about)
    header = struct.pack("=IHHII", 16 + len(body), NEW_LINK, ACKNOWLEDGE, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.sendall(header + body)
        answer = kernel.recv(4096)
    code: int = struct.unpack_from("=i", answer, 16)[0]
    return code == 0


def attribute(kind: int, value: bytes) -> bytes:
    """One rtnetlink attribute: length, type, value, filled up to four bytes."""
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)
