"""Published releases, read only through `tuf.ngclient` with the root that we shipped with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.errors import ReleaseRejected
from provisioner.files import locked
from provisioner.models.release import Image, Listing, Release, cache_name

if TYPE_CHECKING:  # tuf takes a fifth of a second to import; who never reads pays nothing
    from provisioner.adapters.release_reading import Reading
    from provisioner.adapters.release_sources import Source
    from provisioner.core.tlog.division import Division
    from provisioner.settings import Settings


def open_releases(settings: Settings) -> PublishedReleases:
    """What this control plane may run: its own repository, its own shipped root."""
    from provisioner.adapters.release_sources import FolderSource

    try:
        root = (settings.trust_dir / "root.json").read_bytes()
    except OSError as error:
        reason = "this control plane has no root of trust yet; run ./taarafo up"
        raise ReleaseRejected(str(error), reason=reason) from error
    cache = settings.trust_dir / cache_name(os.geteuid())
    return PublishedReleases(FolderSource(settings.repository_dir), root=root, cache=cache)


def open_releases_at(control: str, root: Path) -> PublishedReleases:
    """What the control plane at the address `control` publishes, believed as far as `root` goes.

    The cache is the caller's own and belongs to this root only. Raises ReleaseRejected when the
    root cannot be read.
    """
    from provisioner.adapters.release_web import WebSource

    try:
        text = root.read_bytes()
    except OSError as error:
        raise ReleaseRejected(str(error), reason=f"{root} cannot be read") from error
    is_local = control.partition(":")[0].endswith("localhost")
    url = f"{'http' if is_local else 'https'}://{control}/releases/"
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = home / "taarafo" / "releases" / sha256(text).hexdigest()[:16]
    return PublishedReleases(WebSource(url), root=text, cache=cache)


class PublishedReleases:
    """Every call is one short session with one deadline; the cache is held alone meanwhile.

    Raises ReleaseExpired, ReleaseRejected, ReleaseUnknown or Unavailable; whatever is wrong,
    nothing unverified is returned and what was verified before stays in the cache.
    """

    def __init__(self, source: Source, *, root: bytes, cache: Path, seconds: float = 20.0) -> None:
        self._source = source
        self._root = root
        self._cache = cache
        self._seconds = seconds

    @contextmanager
    def open(self) -> Iterator[Reading]:
        """Several questions to one verified state: one refresh, one deadline."""
        from provisioner.adapters.release_errors import translated
        from provisioner.adapters.release_reading import Reading
        from provisioner.adapters.release_session import open_session

        with (
            translated(),
            locked(self._cache, part="the release list", seconds=self._seconds),
            open_session(self._source, self._root, self._cache, self._seconds) as session,
        ):
            yield Reading(session, self._cache)

    def list(self, recipe: str, channel: str = "stable") -> list[str]:
        """Versions, oldest first; empty for a recipe that nobody publishes."""
        with self.open() as reading:
            return reading.list(recipe, channel)

    def get(self, target: str) -> Release:
        """The release at `app/<recipe>/<channel>/<version>/release.json`."""
        with self.open() as reading:
            return reading.get(target)

    def newest(self, recipe: str, channel: str = "stable") -> Release:
        with self.open() as reading:
            return reading.newest(recipe, channel)

    def describe(self, target: str) -> Listing:
        """What its signed entry says: channel, security floor, and whether it is self-built."""
        with self.open() as reading:
            return reading.describe(target)

    def get_manifest(self, image: Image) -> bytes:
        """The file manifest of an image; a kept copy that still fits needs no repository."""
        from provisioner.adapters.release_reading import find_kept_manifest

        if kept := find_kept_manifest(self._cache, image):
            return kept
        with self.open() as reading:
            return reading.get_manifest(image)

    def keep_shown(self, division: Division) -> Path:
        """Keep two checkpoints of the log that cannot both be true. Returns where."""
        from provisioner.adapters.kept_log import Kept

        return Kept(self._cache / "log").keep_shown(division)

    def get_provenance(self, release: Release, image: str) -> bytes:
        """The signed envelope how an image was made, as the builder sealed it."""
        with self.open() as reading:
            return reading.get_provenance(release, image)
