"""What the log says of a thing's history: which version is the newest, and whether it was told."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from provisioner.core.tlog.entry import Entry

_VERSIONED = re.compile(r"([1-9][0-9]{0,9})\.(.+)\.json")


def entry_of_metadata(role: str, version: int, content: bytes) -> Entry:
    """The entry of one signed metadata file, `3.root.json`."""
    return Entry("metadata", f"{version}.{role}.json", hashlib.sha256(content).hexdigest())


def entry_of_agent(host_id: str, row: bytes) -> Entry:
    """The entry of an agent's enrolment; `row` is its line in the list of agents."""
    return Entry("agent", host_id, hashlib.sha256(row).hexdigest())


def find_newest_version(entries: Iterable[Entry], role: str) -> int:
    """The highest version of a role's metadata that was ever logged; 0 when none was."""
    versions = (find_version(entry, role) for entry in entries)
    return max((version for version in versions if version), default=0)


def find_version(entry: Entry, role: str) -> int:
    """Which version of the role's metadata an entry logs; 0 when it logs something else."""
    found = _VERSIONED.fullmatch(entry.name) if entry.kind == "metadata" else None
    return int(found[1]) if found and found[2] == role else 0


def list_rivals(entries: Iterable[Entry]) -> list[str]:
    """Names of metadata files that were logged with two different contents."""
    seen: dict[str, str] = {}
    rivals = []
    for entry in entries:
        if entry.kind == "metadata" and seen.setdefault(entry.name, entry.sha256) != entry.sha256:
            rivals.append(entry.name)
    return rivals
