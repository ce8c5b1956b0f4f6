"""Reads mountinfo, the kernel's own list of what is mounted where (proc(5))."""

from __future__ import annotations

import re

from provisioner.models.evidence import MountSeen

_ESCAPED = re.compile(rb"\\([0-7]{3})")


def read_mountinfo(text: bytes) -> list[MountSeen]:
    """Every mount in the order of the file. Lines that are cut short raise ValueError."""
    lines = text.split(b"\n")  # not splitlines(): a name may hold a carriage return
    return [_read_line(line) for line in lines if line]


def _read_line(line: bytes) -> MountSeen:
    before, dash, after = line.partition(b" - ")
    fields, rest = before.split(b" "), after.split(b" ")
    if not dash or len(fields) < 6:
        raise ValueError("not a line of mountinfo")
    is_read_only = b"ro" in fields[5].split(b",")
    return MountSeen(_plain(fields[4]), _plain(rest[0]), _plain(fields[3]), is_read_only)


def _plain(escaped: bytes) -> str:
    """Undoes the octal escapes of blanks, newlines and backslashes."""
    raw = _ESCAPED.sub(lambda match: bytes([int(match[1], 8) & 0xFF]), escaped)
    return raw.decode("utf-8", "surrogateescape")
