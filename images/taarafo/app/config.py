"""The community's own settings: its name, its promises and where to check what runs."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Community:
    id: str
    name: str
    address: str
    url: str


@dataclass(frozen=True)
class Promises:
    visibility: str  # hidden, link or public
    membership: str  # invite, ask or open
    connections: str  # none, approved or open
    adverts: str  # off or approved
    rules: str
    country: str  # ISO 3166-1 alpha-2, or empty


@dataclass(frozen=True)
class Founder:
    name: str


@dataclass(frozen=True)
class Release:
    recipe: str
    version: str
    channel: str


@dataclass(frozen=True)
class Control:
    url: str
    check_url: str


@dataclass(frozen=True)
class Config:
    community: Community
    promises: Promises
    founder: Founder
    release: Release
    control: Control

    @property
    def is_hidden(self) -> bool:
        return self.promises.visibility == "hidden"

    @property
    def is_public(self) -> bool:
        return self.promises.visibility == "public"

    @property
    def is_https(self) -> bool:
        return self.community.url.startswith("https://")


PARTS = {
    "community": Community,
    "promises": Promises,
    "founder": Founder,
    "release": Release,
    "control": Control,
}
ALLOWED = {
    "visibility": {"hidden", "link", "public"},
    "membership": {"invite", "ask", "open"},
    "connections": {"none", "approved", "open"},
    "adverts": {"off", "approved"},
}


def read_config(path: Path) -> Config:
    """The parsed file. Raises ValueError naming what is missing, unknown or not allowed."""
    text = tomllib.loads(path.read_text(encoding="utf-8"))
    if set(text) != set(PARTS):
        raise ValueError(f"the parts must be {sorted(PARTS)}, not {sorted(text)}")
    config = Config(**{name: _read_part(name, kind, text[name]) for name, kind in PARTS.items()})
    for name, words in ALLOWED.items():
        if getattr(config.promises, name) not in words:
            raise ValueError(f"promises.{name} must be one of {sorted(words)}")
    return config


def _read_part(name: str, kind: type, values: dict[str, Any]) -> Any:  # noqa: ANN401
    wanted = {field.name for field in fields(kind)}
    if set(values) != wanted or not all(isinstance(v, str) for v in values.values()):
        raise ValueError(f"[{name}] must hold the words {sorted(wanted)}")
    return kind(**values)
