"""Debian packages an image is made of: the lock that names them and what to take instead.

Debian's mirrors keep only the newest version of a package, so a lock stays honest but not
always possible: see docs/decisions/locked-packages.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple


class Input(NamedTuple):
    """One pinned thing that goes into an image: a Debian package, a wheel or another image."""

    name: str
    version: str
    sha256: str


class Choice(NamedTuple):
    """The packages to use, and each locked one that had to be replaced with its replacement."""

    packages: tuple[Input, ...]
    replaced: tuple[tuple[Input, Input], ...]


_LINE = re.compile(r"([a-z0-9][a-z0-9+.-]+) ([0-9A-Za-z.+:~-]+) ([0-9a-f]{64})").fullmatch


def read_lock(text: str) -> tuple[Input, ...]:
    """Packages of a `packages.lock`: `name version sha256` a line. Raises ValueError."""
    packages = []
    for line in text.splitlines():
        found = _LINE(line)
        if not found:
            raise ValueError(f"not a locked package: {line!r}")
        packages.append(Input(*found.groups()))
    return tuple(packages)


def write_lock(packages: Iterable[Input]) -> str:
    """The text of a lock, sorted by name."""
    return "".join(" ".join(package) + "\n" for package in sorted(packages))


def choose(locked: Sequence[Input], offered: Mapping[str, Sequence[Input]]) -> Choice:
    """The locked packages while they are offered, else the newest offered version.

    `offered` holds each name's versions, newest first. Raises ValueError for a name that is gone
    and for a locked version that is offered with other bytes.
    """
    packages, replaced = [], []
    for package in locked:
        versions = offered.get(package.name, ())
        if not versions:
            raise ValueError(f"the archive has no package {package.name} any more")
        same = [one for one in versions if one.version == package.version]
        if same and package not in same:
            raise ValueError(f"{package.name} {package.version} is offered with other bytes")
        taken = package if same else versions[0]
        packages.append(taken)
        if taken != package:
            replaced.append((package, taken))
    return Choice(tuple(packages), tuple(replaced))


def read_offers(stanzas: str) -> dict[str, list[Input]]:
    """Versions by package name, in the order of an archive index's stanzas."""
    offers: dict[str, list[Input]] = {}
    for stanza in stanzas.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version|SHA256): (.+)$", stanza, re.MULTILINE))
        if len(fields) == len(Input._fields):
            one = Input(fields["Package"], fields["Version"], fields["SHA256"])
            offers.setdefault(one.name, []).append(one)
    return offers
