"""A source tree as it goes into an image: only what version control would keep, same modes.

The SWHID of a directory is its git tree hash and that of a file its git blob hash (ISO/IEC 18670,
sections 5.2 and 5.3), so that a person can look running code up in public archives.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_NOT_SOURCE = ("__pycache__", "node_modules")


class OwnSource(NamedTuple):
    """A source of ours by its path in the project.

    `sha256` is that of a file's content; of a folder it is what `digest_source` says.
    """

    path: str
    mode: str
    sha256: str
    swhid: str


def describe_source(project: Path, path: str) -> OwnSource:
    """The file or folder at this path of a project."""
    found = project / path
    is_folder = found.is_dir() and not found.is_symlink()
    content = digest_source(found) if is_folder else hashlib.sha256(_content(found)).hexdigest()
    return OwnSource(path, f"{_mode(found):06o}", content, swhid_of(found))


def list_source(path: Path) -> list[Path]:
    """A folder's entries that are source, in byte order; no caches, no hidden files."""
    return sorted(
        (
            entry
            for entry in path.iterdir()
            if not entry.name.startswith(".")
            and not entry.name.endswith((".pyc", "~"))
            and entry.name not in _NOT_SOURCE
        ),
        key=lambda entry: os.fsencode(entry.name),
    )


def swhid_of(path: Path) -> str:
    """`swh:1:dir:…` of a folder's source, `swh:1:cnt:…` of a file.

    Empty folders do not count, as in git.
    """
    if path.is_dir() and not path.is_symlink():
        return f"swh:1:dir:{_tree_id(path).hex()}"
    return f"swh:1:cnt:{_git_id('blob', _content(path)).hex()}"


def entry_of(path: Path) -> str:
    """`100644 blob <id>`: mode, kind and id of a source file or folder, as git lists an entry."""
    kind = "tree" if path.is_dir() and not path.is_symlink() else "blob"
    return f"{_mode(path):06o} {kind} {swhid_of(path).rpartition(':')[2]}"


def digest_source(path: Path) -> str:
    """SHA-256 in hex over every path, mode and content of a source file or folder."""
    total = hashlib.sha256()
    for name, file in _walk(path, path.name):
        content = hashlib.sha256(_content(file)).hexdigest()
        total.update(f"{name}\0{_mode(file):o}\0{content}\n".encode())
    return total.hexdigest()


def copy_source(path: Path, to: Path) -> None:
    """Copy a source file or folder with modes 0644, 0755 and nothing of this checkout's own."""
    to.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        to.symlink_to(os.fsdecode(_content(path)))
    elif path.is_dir():
        to.mkdir(mode=0o755)
        for entry in list_source(path):
            copy_source(entry, to / entry.name)
    else:
        shutil.copyfile(path, to)
        to.chmod(_mode(path) & 0o777)


def _walk(path: Path, name: str) -> Iterator[tuple[str, Path]]:
    if path.is_dir() and not path.is_symlink():
        for entry in list_source(path):
            yield from _walk(entry, f"{name}/{entry.name}")
    else:
        yield name, path


def _tree_id(folder: Path) -> bytes:
    entries = []
    for entry in list_source(folder):
        mode, name = _mode(entry), os.fsencode(entry.name)
        if mode != stat.S_IFDIR:
            entries.append((name, mode, _git_id("blob", _content(entry))))
        elif any(_walk(entry, "")):
            entries.append((name, mode, _tree_id(entry)))
    entries.sort(key=lambda entry: entry[0] + b"/" * (entry[1] == stat.S_IFDIR))
    return _git_id(
        "tree", b"".join(b"%o %s\0%s" % (mode, name, id_) for name, mode, id_ in entries)
    )


def _git_id(kind: str, content: bytes) -> bytes:
    header = f"{kind} {len(content)}\0".encode()
    return hashlib.sha1(header + content, usedforsecurity=False).digest()


def _content(path: Path) -> bytes:
    if path.is_symlink():
        return os.readlink(os.fsencode(path))  # noqa: PTH115 - a Path would tidy the target up
    return path.read_bytes()


def _mode(path: Path) -> int:
    """The mode git gives an entry: 0120000, 040000, 0100755 or 0100644."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return stat.S_IFLNK
    if stat.S_ISDIR(mode):
        return stat.S_IFDIR
    return stat.S_IFREG | (0o755 if mode & stat.S_IXUSR else 0o644)
