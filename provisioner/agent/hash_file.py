"""Hashes one regular file so that the result is one moment's content, or says that it is not."""

from __future__ import annotations

import hashlib
import os
import stat

from provisioner.models.evidence import CHANGING, TOO_LARGE, UNREADABLE

SMALL = 64 * 1024
_CHUNK = 256 * 1024
_TRIES = 3
# Never follows a link, never waits for a FIFO that took the file's place.
FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


def open_file(name: str, folder: int) -> int:
    """A descriptor of `name` in the folder behind the descriptor `folder`, or -1."""
    try:
        return os.open(name, FLAGS, dir_fd=folder)
    except OSError:
        return -1


def hash_open_file(fd: int, limit: int) -> tuple[os.stat_result, str]:
    """What the file is and its SHA-256 in hex, or a word for why not. Closes `fd`."""
    try:
        return _hash_steady(fd, limit)
    finally:
        os.close(fd)


def _hash_steady(fd: int, limit: int) -> tuple[os.stat_result, str]:
    before = os.fstat(fd)
    for _ in range(_TRIES):
        if not stat.S_ISREG(before.st_mode):
            return before, CHANGING
        if before.st_size > limit:
            return before, TOO_LARGE
        try:
            content = _hash_content(fd, before.st_size)
        except OSError:
            return before, UNREADABLE
        after = os.fstat(fd)
        if content and _moment(after) == _moment(before):
            return after, content
        os.lseek(fd, 0, os.SEEK_SET)
        before = after
    return before, CHANGING


def _hash_content(fd: int, size: int) -> str:
    """Hex digest of exactly `size` bytes; empty when the file turns out shorter or longer."""
    if size <= SMALL:
        content = os.read(fd, size + 1)
        return hashlib.sha256(content).hexdigest() if len(content) == size else ""
    digest, chunk, total = hashlib.sha256(), memoryview(bytearray(_CHUNK)), 0
    while count := os.readv(fd, [chunk]):
        digest.update(chunk[:count])
        total += count
        if total > size:
            return ""
    return digest.hexdigest() if total == size else ""


def _moment(seen: os.stat_result) -> tuple[int, ...]:
    return seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_mode, seen.st_uid, seen.st_gid
