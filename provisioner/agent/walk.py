"""Walks a container's file tree in manifest order and measures every entry.

Every folder is opened relative to the descriptor of the one above it and no link is followed,
so nothing that happens in the container during the walk can lead out of it. Entries come in the
order of their full paths, so that memory does not grow with the tree. Large files are hashed
by helpers, small ones on the spot: with the interpreter's lock that is the fastest (see
docs/decisions/how-the-agent-measures.md).
"""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

from provisioner.agent.hash_file import SMALL, hash_open_file, open_file
from provisioner.agent.hashes import Recall
from provisioner.core.appraisal.tree import Lines
from provisioner.models.evidence import UNREADABLE, LeftOut
from provisioner.models.manifest import FileEntry

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LARGE = 8 * SMALL
_LEFT_OUT_LIMIT = 1000
_TYPES = {
    stat.S_IFREG: "f",
    stat.S_IFDIR: "d",
    stat.S_IFLNK: "l",
    stat.S_IFCHR: "c",
    stat.S_IFBLK: "b",
    stat.S_IFIFO: "p",
    stat.S_IFSOCK: "s",
}


class _Measured(NamedTuple):
    """An entry, and the mark that its content is remembered by."""

    entry: FileEntry
    mark: bytes = b""


_Waiting = _Measured | Future[_Measured]


@dataclass
class Walk:
    """One measurement of one tree. `skip` maps paths that are left out to the reason."""

    skip: Mapping[str, str]
    helpers: ThreadPoolExecutor
    recall: Recall = field(default_factory=Recall)
    file_limit: int = 1 << 30
    entry_limit: int = 400_000
    depth_limit: int = 128
    left_out: list[LeftOut] = field(default_factory=list)
    _seen: int = 0

    def lines(self, root: int) -> Lines:
        """Path and manifest line of everything below the open folder `root`."""
        waiting: deque[tuple[str, _Waiting]] = deque()
        for path, measured in self._walk(root, "", 0):
            waiting.append((path, measured))
            while waiting and (len(waiting) > 256 or _is_ready(waiting[0][1])):
                yield self._line(*waiting.popleft())
        for path, measured in waiting:
            yield self._line(path, measured)

    def _line(self, path: str, measured: _Waiting) -> tuple[str, bytes]:
        entry, mark = measured.result() if isinstance(measured, Future) else measured
        self.recall.keep(mark, entry.content)
        return path, entry.line()

    def _walk(self, folder: int, above: str, depth: int) -> Iterator[tuple[str, _Waiting]]:
        """A folder's own entry and its content sort apart: `a`, `a-b`, `a/c`."""
        try:
            names = _ordered_names(folder)
        except OSError as error:
            self._leave_out(above + "/", error.strerror or "unreadable")
            return
        for name in names:
            path = f"{above}/{name.removesuffix('/')}"
            if path in self.skip:
                if not name.endswith("/"):
                    self._leave_out(path, self.skip[path])
            elif self._seen >= self.entry_limit:
                self._leave_out(path, "too many files")
                return
            elif name.endswith("/"):
                yield from self._descend(folder, name[:-1], path, depth)
            else:
                self._seen += 1
                measured = self._measure(folder, name, path)
                if measured:
                    yield path, measured

    def _descend(
        self, folder: int, name: str, path: str, depth: int
    ) -> Iterator[tuple[str, _Waiting]]:
        if depth >= self.depth_limit:
            self._leave_out(path + "/", "too deep")
            return
        try:
            inner = os.open(name, _FOLDER, dir_fd=folder)
        except FileNotFoundError:
            return
        except OSError as error:
            self._leave_out(path + "/", error.strerror or "unreadable")
            return
        try:
            yield from self._walk(inner, path, depth + 1)
        finally:
            os.close(inner)

    def _measure(self, folder: int, name: str, path: str) -> _Waiting | None:
        try:
            seen = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISREG(seen.st_mode):
                return self._measure_file(folder, name, path, seen)
            return _Measured(_entry(path, seen, _special_content(folder, name, seen)))
        except FileNotFoundError:
            return None
        except OSError as error:
            self._leave_out(path, error.strerror or "unreadable")
            return None

    def _measure_file(self, folder: int, name: str, path: str, seen: os.stat_result) -> _Waiting:
        mark = self.recall.mark(seen)
        known = self.recall.find(mark)
        if known:
            return _Measured(_entry(path, seen, known), mark)
        fd = open_file(name, folder)
        if fd < 0:
            return _Measured(_entry(path, seen, UNREADABLE))
        if seen.st_size >= _LARGE:
            return self.helpers.submit(self._hash, path, fd)
        return self._hash(path, fd)

    def _hash(self, path: str, fd: int) -> _Measured:
        seen, content = hash_open_file(fd, self.file_limit)
        return _Measured(_entry(path, seen, content), self.recall.mark(seen))

    def _leave_out(self, path: str, why: str) -> None:
        if len(self.left_out) < _LEFT_OUT_LIMIT:
            self.left_out.append(LeftOut(path, why))


def _ordered_names(folder: int) -> list[str]:
    """Names in the folder, and every folder's name once more with a slash for its content."""
    names: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            names.append(entry.name)
            if entry.is_dir(follow_symlinks=False):
                names.append(entry.name + "/")
    return sorted(names, key=os.fsencode)


def _special_content(folder: int, name: str, seen: os.stat_result) -> str:
    if stat.S_ISLNK(seen.st_mode):
        return os.readlink(name, dir_fd=folder)
    if stat.S_ISCHR(seen.st_mode) or stat.S_ISBLK(seen.st_mode):
        return f"{os.major(seen.st_rdev)},{os.minor(seen.st_rdev)}"
    return ""


def _entry(path: str, seen: os.stat_result, content: str) -> FileEntry:
    kind = _TYPES[stat.S_IFMT(seen.st_mode)]
    size = seen.st_size if kind == "f" else 0
    return FileEntry(
        path, kind, stat.S_IMODE(seen.st_mode), seen.st_uid, seen.st_gid, size, content
    )


def _is_ready(measured: _Waiting) -> bool:
    return not isinstance(measured, Future) or measured.done()
