"""Remembers what files hashed to, so that only what changed is read again: 48 bytes a file.

A file is the one that was read when its device, inode, size, times, mode and owner are the same.
The kernel sets the change time whenever a file is written. Two things could hide a write from it,
so a file is only remembered once it has been left alone for a minute: the kernel's clock ticks in
milliseconds, and a page that is mapped and waits to be written out is not stamped again until it
was. Files on other file systems than the root's own are never remembered: memory stamps no page.
"""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass, field

SETTLED_SECONDS = 60.0
_LIMIT = 100_000  # files of one container; what is beyond is read every time
_WINDOW = 4096  # files that may have come or gone between two that are still there
_MARK, _DIGEST = 16, 32


@dataclass
class Hashes:
    """Marks and digests of the files of one walk, in its order."""

    marks: bytearray = field(default_factory=bytearray)
    digests: bytearray = field(default_factory=bytearray)


@dataclass
class Recall:
    """One walk's memory: it knows what the last walk kept, and keeps what this one sees.

    Where `known` is empty every file is read. Without a device nothing is remembered.
    """

    device: int = -1
    known: Hashes = field(default_factory=Hashes)
    settled_seconds: float = SETTLED_SECONDS
    kept: Hashes = field(default_factory=Hashes)
    _begun: float = field(default_factory=time.time)
    _next: int = 0

    def mark(self, seen: os.stat_result) -> bytes:
        """What the file is remembered by; empty when it must not be."""
        if seen.st_dev != self.device or seen.st_ctime > self._begun - self.settled_seconds:
            return b""
        times = f"{seen.st_mtime_ns} {seen.st_ctime_ns}"
        owner = f"{seen.st_mode} {seen.st_uid} {seen.st_gid}"
        facts = f"{seen.st_dev} {seen.st_ino} {seen.st_size} {times} {owner}"
        return hashlib.blake2b(facts.encode("ascii"), digest_size=_MARK).digest()

    def find(self, mark: bytes) -> str:
        """The SHA-256 in hex of the file with that mark; empty when it has to be read."""
        start = self._next * _MARK
        at = self.known.marks.find(mark, start, start + _WINDOW * _MARK) if mark else -1
        if at < 0 or at % _MARK:
            return ""
        place = at // _MARK
        self._next = place + 1
        return self.known.digests[place * _DIGEST : self._next * _DIGEST].hex()

    def keep(self, mark: bytes, content: str) -> None:
        """Remembers a file for the next walk. Called in the order of the walk."""
        if mark and len(content) == 2 * _DIGEST and len(self.kept.marks) < _LIMIT * _MARK:
            self.kept.marks.extend(mark)
            self.kept.digests.extend(bytes.fromhex(content))
