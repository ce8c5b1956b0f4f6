"""Our own log's entries: one line that a person can read, in its one right form."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

KINDS = ("metadata", "agent", "rotation")
LONGEST_NAME = 200  # characters
_LINE = re.compile(r"taarafo/log/v1 ([a-z]+) ([^ ]+) sha256:([0-9a-f]{64})\n")
_UNSEEN = frozenset(["Cc", "Cf", "Cs", "Zl", "Zp", "Zs"])  # Unicode's controls and spaces


@dataclass(frozen=True)
class Entry:
    """A kind of `KINDS`, the name of what was logged, and its SHA-256 as 64 hex digits."""

    kind: str
    name: str
    sha256: str


def read_entry(raw: bytes) -> Entry:
    """`taarafo/log/v1 <kind> <name> sha256:<hex>`, one line, UTF-8. Raises ValueError."""
    try:
        found = _LINE.fullmatch(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    if found is None:
        raise ValueError("not a line of the log")
    kind, name, sha256 = found.groups()
    if kind not in KINDS:
        raise ValueError("an unknown kind of entry")
    if len(name) > LONGEST_NAME or any(unicodedata.category(c) in _UNSEEN for c in name):
        raise ValueError("not a name of an entry")
    return Entry(kind, name, sha256)


def write_entry(entry: Entry) -> bytes:
    """The line that is a leaf. ValueError for an entry that could not be read again as it is."""
    line = f"taarafo/log/v1 {entry.kind} {entry.name} sha256:{entry.sha256}\n"
    raw = line.encode("utf-8")
    if read_entry(raw) != entry:
        raise ValueError("not an entry")
    return raw
