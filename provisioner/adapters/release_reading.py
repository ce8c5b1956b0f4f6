"""Questions to one verified state of a repository, answered in the project's own words."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from provisioner.adapters.release_session import Session
from provisioner.errors import ReleaseRejected, ReleaseUnknown
from provisioner.models.manifest import root_of
from provisioner.models.release import Image, Listing, Release

RELEASE_BYTES = 1_000_000
MANIFEST_BYTES = 64_000_000


class Reading:
    """Only valid while the session is open."""

    def __init__(self, session: Session, cache: Path) -> None:
        self._session = session
        self._cache = cache

    def list(self, recipe: str, channel: str = "stable") -> list[str]:
        """Versions, oldest first; empty for a recipe that nobody publishes."""
        return self._session.list_versions(recipe, channel)

    def get(self, target: str) -> Release:
        """The release at `app/<recipe>/<channel>/<version>/release.json`."""
        return read_release(self._session, target)

    def get_bytes(self, target: str) -> bytes:
        """The very bytes of a release that were signed."""
        return self._session.get_content(target, RELEASE_BYTES)

    def newest(self, recipe: str, channel: str = "stable") -> Release:
        """Raises ReleaseUnknown when nothing is published."""
        versions = self.list(recipe, channel)
        if not versions:
            raise ReleaseUnknown(name=f"of {recipe} ({channel})")
        return self.get(f"app/{recipe}/{channel}/{versions[-1]}/release.json")

    def describe(self, target: str) -> Listing:
        """What its signed entry says: channel, security floor, and whether it is self-built."""
        return self._session.describe(target)

    def get_manifest(self, image: Image) -> bytes:
        """The file manifest of an image. Raises ReleaseRejected."""
        if kept := find_kept_manifest(self._cache, image):
            return kept
        text = self._session.get_content(image.files_target, MANIFEST_BYTES)
        if root_of(text) != image.files_root:
            raise ReleaseRejected(reason="a file list is not the one that its release names")
        return text


def find_kept_manifest(cache: Path, image: Image) -> bytes | None:
    """The copy in the cache. Its hash is in the release, so it needs no other proof."""
    kept = cache / "targets" / quote(image.files_target, "")
    if kept.is_file() and root_of(text := kept.read_bytes()) == image.files_root:
        return text
    return None


def read_release(session: Session, target: str) -> Release:
    """A verified release that is the one its path names. Raises ReleaseRejected."""
    content = session.get_content(target, RELEASE_BYTES)
    try:
        release = Release.from_bytes(content)
    except ValueError as error:
        raise ReleaseRejected(str(error), reason=f"{target} cannot be understood") from error
    if release.target != target:
        raise ReleaseRejected(reason=f"{target} describes another release, {release.target}")
    return release
