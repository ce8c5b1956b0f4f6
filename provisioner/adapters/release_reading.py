"""Questions to one verified state of a repository, answered in the project's own words."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from provisioner.adapters.kept_log import Kept
from provisioner.adapters.release_papers import read_provenance_of
from provisioner.adapters.release_session import Session
from provisioner.errors import ReleaseRejected, ReleaseUnknown
from provisioner.models.log import LogSeen
from provisioner.models.manifest import root_of
from provisioner.models.release import Image, Listing, Release
from provisioner.models.saved_check import ReleaseCopy

RELEASE_BYTES = 1_000_000
MANIFEST_BYTES = 64_000_000


class Reading:
    """Only valid while the session is open."""

    def __init__(self, session: Session, cache: Path) -> None:
        self._session = session
        self._cache = cache

    @property
    def log(self) -> LogSeen:
        """What was seen of the public log in this session."""
        return self._session.log.seen

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

    def copy(self, target: str) -> ReleaseCopy:
        """Everything that this release was verified with, to be judged again elsewhere."""
        roots, targets, role, metadata, content = self._session.copy(target, RELEASE_BYTES)
        images = self.get(target).images
        kept = Kept(self._cache / "log")
        return ReleaseCopy(
            roots,
            targets,
            role,
            metadata,
            target,
            content,
            {name: self.get_manifest(image).decode() for name, image in images.items()},
            kept.read_checkpoint().decode(),
            tuple(line.decode() for line in kept.list_lines()),
        )

    def get_provenance(self, release: Release, image: str) -> bytes:
        """The signed envelope how an image was made, as the builder sealed it.

        Raises ReleaseRejected when it is not about this image, or not signed by its builder.
        """
        return read_provenance_of(self._session, release, image)


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
