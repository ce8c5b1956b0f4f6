"""Notices which community containers run, from Docker's own folder of container files.

A look costs one `stat` a container; a file is read again only when it has changed. So the agent
needs no access to Docker's socket, with which it could do anything.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provisioner.models.evidence import CONTROL_PLANE

_ID = re.compile(r"[0-9a-f]{64}").fullmatch
_HOST = re.compile(r"[a-z0-9][a-z0-9.-]{0,252}").fullmatch
COMMUNITY = "org.taarafo.community"
JOB = "org.taarafo.job"


@dataclass(frozen=True)
class Running:
    """One running container of a community, as Docker describes it."""

    id: str
    pid: int
    started: str
    image: str
    image_id: str
    labels: dict[str, str]
    command: tuple[str, ...]
    environment: tuple[str, ...]
    settings: tuple[str, ...]

    @property
    def host(self) -> str:
        """Host name of the community's address."""
        return self.labels["org.taarafo.host"]

    @property
    def is_control_plane(self) -> bool:
        """Whether it is a part of the control plane itself, and of no community."""
        return self.labels[COMMUNITY] == CONTROL_PLANE

    @property
    def hosts(self) -> tuple[str, ...]:
        """Ids of the hosts that must all report of this community; empty: whoever reports."""
        named = self.labels.get("org.taarafo.hosts", "").split(",")
        return tuple(each.strip() for each in named if each.strip())


@dataclass
class Containers:
    """The containers folder and what was read of it so far."""

    folder: Path
    _read: dict[str, tuple[tuple[int, int, int], Running | None]] = field(default_factory=dict)

    def look(self) -> list[Running]:
        """All community containers that run now."""
        names = {each.name for each in self.folder.iterdir() if _ID(each.name)}
        for gone in self._read.keys() - names:
            del self._read[gone]
        found = (self._look_at(name) for name in sorted(names))
        return [each for each in found if each]

    def _look_at(self, name: str) -> Running | None:
        path = self.folder / name / "config.v2.json"
        try:
            seen = path.stat()
            stamp = (seen.st_mtime_ns, seen.st_ino, seen.st_size)
            known = self._read.get(name)
            if not known or known[0] != stamp:
                self._read[name] = known = (stamp, _read(path.read_bytes()))
        except (OSError, ValueError):  # being written or removed: the next look sees it
            self._read.pop(name, None)
            return None
        return known[1]


def _read(raw: bytes) -> Running | None:
    """The container if it runs and belongs to a community. Raises ValueError."""
    value: dict[str, Any] = json.loads(raw)
    try:
        state, config = value["State"], value["Config"]
        labels = config["Labels"] or {}
        if not state["Running"] or not state["Pid"] or not _is_ours(labels):
            return None
        return Running(
            id=value["ID"],
            pid=int(state["Pid"]),
            started=state["StartedAt"],
            image=config["Image"],
            image_id=value["Image"],
            labels={k: v for k, v in labels.items() if k.startswith("org.taarafo.")},
            command=(value["Path"], *(value["Args"] or ())),
            environment=tuple(config["Env"] or ()),
            settings=tuple(
                sorted(ref["File"]["Name"] for ref in value.get("ConfigReferences") or ())
            ),
        )
    except (KeyError, TypeError) as error:
        raise ValueError("not a container file") from error


def _is_ours(labels: dict[str, str]) -> bool:
    host = labels.get("org.taarafo.host", "")
    return COMMUNITY in labels and JOB not in labels and bool(_HOST(host)) and ".." not in host
