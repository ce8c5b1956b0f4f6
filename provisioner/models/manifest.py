"""The file manifest: every path of an image, and the one hash that stands for all of them.

Text format, one line a path: a compact JSON array `[path, type, mode, uid, gid, size, content]`,
ending in a newline, sorted by the path's UTF-8 bytes (undecodable bytes as surrogate escapes,
written as JSON `\\udcXX`). `type` is one of `f d l c b p s`; `content` is the SHA-256 of a file in
hex, the target of a link, `"major,minor"` of a device, and empty for the rest; `size` is zero for
all but files. The SHA-256 of the whole text is the root.

Paths are absolute (`/usr/bin/env`). The root folder itself is not listed, and a hard link is
listed as the file that it is.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import NamedTuple

_FIELD_TYPES = [str, str, int, int, int, int, str]
# Text that JSON writes as it is: printable ASCII without the quote and the backslash.
_PLAIN = re.compile(r"[ !#-\[\]-~]*").fullmatch


class FileEntry(NamedTuple):
    """One path. `mode` holds the twelve permission bits, `size` is in bytes."""

    path: str
    type: str
    mode: int
    uid: int
    gid: int
    size: int
    content: str

    def line(self) -> bytes:
        """The canonical line; the first form is the second one, three times as fast."""
        if _PLAIN(self.path) and _PLAIN(self.content):
            numbers = f"{self.mode},{self.uid},{self.gid},{self.size}"
            return f'["{self.path}","{self.type}",{numbers},"{self.content}"]\n'.encode("ascii")
        return (json.dumps(list(self), separators=(",", ":")) + "\n").encode("ascii")


def sort_key(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def write_manifest(entries: Iterable[FileEntry]) -> bytes:
    """The canonical text of these entries."""
    return b"".join(e.line() for e in sorted(entries, key=lambda e: sort_key(e.path)))


def root_of(text: bytes) -> str:
    """`sha256:…` of a manifest's text."""
    return "sha256:" + hashlib.sha256(text).hexdigest()


def read_manifest(text: bytes) -> dict[str, FileEntry]:
    """Entries by path. Raises ValueError for anything but the canonical form."""
    entries: dict[str, FileEntry] = {}
    for line in text.splitlines(keepends=True):
        fields = json.loads(line)
        if not isinstance(fields, list) or [type(each) for each in fields] != _FIELD_TYPES:
            raise ValueError("not a manifest line")
        entry = FileEntry(*fields)
        if entry.line() != line or entry.path in entries:
            raise ValueError("not in canonical form")
        entries[entry.path] = entry
    return entries


def find_lines(text: bytes) -> Iterator[tuple[str, bytes]]:
    """Every path with its line, in order, without reading the rest of the line.

    One at a time: all of them at once would be larger than the text. For a text whose hash is
    known to be right: raises ValueError for lines without a path, and trusts the order and the
    other fields.
    """
    for line in BytesIO(text):
        yield path_of(line), line


def path_of(line: bytes) -> str:
    """The path that a manifest line is about. Raises ValueError when it has none."""
    end = line.find(b'",')
    if line[:2] != b'["' or end < 0:
        raise ValueError("not a manifest line")
    if b"\\" not in line[:end]:
        return line[2:end].decode("ascii")
    path, _ = json.JSONDecoder().raw_decode(line.decode("ascii"), 1)
    if not isinstance(path, str):
        raise ValueError("not a manifest line")
    return path


@dataclass(frozen=True)
class SortedText:
    """A manifest's text, searched by halves: asking for a path reads a dozen lines, not all.

    Trusts the order, so its hash must be known to be right.
    """

    text: bytes

    def find_line(self, path: str) -> bytes | None:
        """The line about `path`."""
        start, end = self.span_of(path)
        return self.text[start:end] or None

    def span_of(self, path: str) -> tuple[int, int]:
        """Where the line about `path` starts and ends; empty, where it would be, without one."""
        start = self.find_place(sort_key(path))
        end = self.text.find(b"\n", start) + 1
        if end and path_of(self.text[start:end]) == path:
            return start, end
        return start, start

    def span_below(self, path: str) -> tuple[int, int]:
        """Where the lines about what is below the folder `path` start and end."""
        key = sort_key(path.removesuffix("/"))
        return self.find_place(key + b"/"), self.find_place(key + b"0")  # "0" follows "/"

    def find_place(self, key: bytes) -> int:
        """Offset of the first line whose path does not sort before `key`."""
        low, high = 0, len(self.text)
        while low < high:
            start = self.text.rfind(b"\n", low, (low + high) // 2) + 1 or low
            end = self.text.find(b"\n", start) + 1 or len(self.text)
            if sort_key(path_of(self.text[start:end])) < key:
                low = end
            else:
                high = start
        return low
