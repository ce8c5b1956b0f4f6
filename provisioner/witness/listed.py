"""What a release lists of its public files, from signed metadata."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

from provisioner.adapters.releases import PublishedReleases
from provisioner.errors import ReleaseUnknown
from provisioner.models.release import Release

_TARGET = re.compile(r"app/[a-z][a-z0-9-]*/[a-z][a-z0-9-]*/[0-9.]{5,14}/release\.json")


@dataclass(frozen=True)
class Listed:
    """`sha256` is that of release.json as `sha256:<hex>`; `assets` maps URL paths to the like."""

    target: str
    sha256: str
    assets: dict[str, str]


def find_listed(releases: PublishedReleases, target: str) -> Listed | None:
    """The release at this target path; None if its publisher does not list one.

    Raises ReleaseRejected, ReleaseExpired or Unavailable: then nothing can be compared.
    """
    if not _TARGET.fullmatch(target):
        return None
    try:
        with releases.open() as published:
            raw = published.get_bytes(target)
    except ReleaseUnknown:
        return None
    return Listed(target, f"sha256:{sha256(raw).hexdigest()}", Release.from_bytes(raw).assets)
