"""The kernel's capabilities by name (capabilities(7)): a report tells them as one number."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NUMBER = re.compile(r"[0-9a-f]{1,16}").fullmatch
# In the order of their bits in linux/capability.h.
_NAMES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
    "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
    "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT",
    "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD",
    "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
    "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
)  # fmt: skip


def find_excess(seen: str, permitted: Iterable[str]) -> tuple[str, ...]:
    """The rights in `"0000000000080004"` that are not permitted, by their names.

    What is no such number is itself an excess: nothing unreadable may pass.
    """
    if not _NUMBER(seen):
        return ("unreadable rights",)
    known, bits = frozenset(permitted), int(seen, 16)
    names = (_name(n) for n in range(bits.bit_length()) if bits >> n & 1)
    return tuple(name for name in names if name not in known)


def _name(bit: int) -> str:
    return f"CAP_{_NAMES[bit]}" if bit < len(_NAMES) else f"right {bit}"
