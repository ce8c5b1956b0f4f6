"""A community as a stranger sees it, and a control plane that publishes its releases."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from provisioner.adapters.releases import open_releases_at
from provisioner.models.manifest import root_of
from provisioner.models.release import Release
from provisioner.publishing.publish import publish_release
from provisioner.witness.listed import Listed, find_listed
from tests.publishing.place import MANIFEST, NOW, begin, release_of
from tests.publishing.servers import serve
from tests.witness.sites import Site

FILES = {
    "/static/app.css": b"body { color: black }",
    "/static/app.js": b"alert(1)",
    "/static/two words.svg": b"<svg/>",
}
NEWER = {**FILES, "/static/app.js": b"alert(2)"}


def hash_of(content: bytes) -> str:
    return f"sha256:{sha256(content).hexdigest()}"


def release_with(version: str, files: Mapping[str, bytes]) -> Release:
    assets = {path: hash_of(content) for path, content in files.items()}
    return release_of(version).model_copy(update={"assets": assets})


OLD, NEW = release_with("1.0.0", FILES), release_with("1.1.0", NEWER)


def pages_of(release: Release, files: Mapping[str, bytes]) -> dict[str, tuple[int, bytes]]:
    """What an honest community of this release serves."""
    told = json.dumps({"community": "c1", "release": release.target}).encode()
    pages = {path.replace(" ", "%20"): (200, content) for path, content in files.items()}
    return {"/": (200, b"welcome"), "/.well-known/taarafo/instance": (200, told), **pages}


def community() -> Site:
    return Site(dict(pages_of(OLD, FILES)))  # type: ignore[arg-type]


@dataclass
class ControlPlane:
    """Its address, and the file with its publisher's root."""

    address: str
    root: Path

    def find_listed(self, target: str) -> Listed | None:
        return find_listed(open_releases_at(self.address, self.root), target)


@contextlib.contextmanager
def control_plane(folder: Path) -> Iterator[ControlPlane]:
    """Publishes both releases."""
    publisher = begin(folder)
    for release in (OLD, NEW):
        publish_release(publisher, release, {root_of(MANIFEST): MANIFEST}, now=NOW)
    with serve(publisher.repository.folder) as (url, _):
        yield ControlPlane(url.split("/")[2], publisher.shipped_root)
