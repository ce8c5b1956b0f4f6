"""The source that a release was made from, laid out in a folder of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from provisioner.errors import RecipeIncomplete, SourceMissing
from provisioner.files import locked
from provisioner.models.release import Release
from provisioner.publishing.checkout import find_commit
from provisioner.publishing.recipe import read_recipe
from provisioner.publishing.source import swhid_of

_LONGEST_REBUILD_SECONDS = 1800.0


@dataclass(frozen=True)
class FoundSource:
    """`project` holds the source; `told` says in words where it is from.

    `images` is an empty folder for what gets built.
    """

    project: Path
    told: str
    images: Path


@contextmanager
def open_source(release: Release, project: Path, cache: Path) -> Iterator[FoundSource]:
    """The commit that the release names, or else the project itself if it is the same source.

    Removed afterwards. One rebuild at a time; what a killed one left is removed too. Raises
    SourceMissing.
    """
    room = cache / "rebuilds"
    with locked(room, part="another rebuild", seconds=_LONGEST_REBUILD_SECONDS):
        for left in room.iterdir():
            shutil.rmtree(left, ignore_errors=True)
        with TemporaryDirectory(dir=room) as scratch:
            images = Path(scratch) / "images"
            images.mkdir()
            yield _find_source(release, project, Path(scratch) / "source", images)


def _find_source(release: Release, project: Path, scratch: Path, images: Path) -> FoundSource:
    commit = release.source.commit
    scratch.mkdir()
    if find_commit(project, commit, scratch):
        return FoundSource(scratch, f"commit {commit}", images)
    if fault := _find_fault(release, project):
        wanted = f"commit {commit}" if commit else f"the source {release.source.swhid}"
        name = f"{release.name} {release.version}"
        raise SourceMissing(name=name, reason=fault, wanted=wanted)
    return FoundSource(project, "this checkout: it holds the app that the release names", images)


def _find_fault(release: Release, project: Path) -> str:
    """Why this project is not what the release was made from, as far as can be told, or ""."""
    try:
        recipe, _ = read_recipe(project / "templates" / release.name)
        swhid = swhid_of(project / "images" / release.recipe.app.image / "app")
    except (RecipeIncomplete, OSError):
        return f"this checkout has no app {release.name}"
    if recipe.version != release.version:
        return f"this checkout makes version {recipe.version}"
    if swhid != release.source.swhid:
        return f"the app in this checkout is {swhid}"
    return ""
