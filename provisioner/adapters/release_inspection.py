"""Walks a whole repository as a new client would, and says in sentences what is wrong with it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from provisioner.adapters.release_errors import translated
from provisioner.adapters.release_papers import check_papers
from provisioner.adapters.release_reading import MANIFEST_BYTES, read_release
from provisioner.adapters.release_session import Session, open_session
from provisioner.adapters.release_sources import Source
from provisioner.errors import TaarafoError
from provisioner.models.inspection import Inspection, PublishedImage
from provisioner.models.manifest import read_manifest, root_of
from provisioner.models.release import Release, is_release


def verify_repository(source: Source, *, root: bytes, seconds: float = 120.0) -> Inspection:
    """Start from the shipped root with an empty cache, and check every target's hash."""
    with tempfile.TemporaryDirectory() as cache:
        try:
            with open_session(source, root, Path(cache), seconds) as session:
                return _walk(session)
        except TaarafoError as error:
            return Inspection(problems=(error.explain(),))


def _walk(session: Session) -> Inspection:
    roles = session.list_roles()
    targets = [path for role in roles.values() for path in role.targets]
    releases = sorted(path for path in targets if is_release(path))
    found: list[Release] = []
    problems = [
        *(problem for path in releases for problem in _check_release(session, path, found)),
        *(problem for path in targets if path not in releases for problem in _check(session, path)),
    ]
    return Inspection(
        releases=tuple(releases),
        images=tuple(image for release in found for image in _list_images(release)),
        files=len(targets),
        expires=tuple(session.list_expiries()),
        problems=tuple(problems),
    )


def _check(session: Session, path: str) -> Iterator[str]:
    try:
        with translated():
            session.get_content(path, MANIFEST_BYTES)
    except TaarafoError as error:
        yield f"{path}: {error.facts.get('reason', error.explain())}"


def _check_release(session: Session, path: str, found: list[Release]) -> Iterator[str]:
    try:
        with translated():
            session.describe(path)
            release = read_release(session, path)
    except TaarafoError as error:
        yield f"{path}: {error.facts.get('reason', error.explain())}"
        return
    found.append(release)
    for name in release.images:
        if problem := _find_problem(session, release, name):
            yield f"{path}: image {name}: {problem}"


def _list_images(release: Release) -> Iterator[PublishedImage]:
    for name, image in release.images.items():
        yield PublishedImage(release.target, name, image.digest, image.provenance_statement)


def _find_problem(session: Session, release: Release, name: str) -> str:
    image = release.images[name]
    try:
        with translated():
            check_papers(session, release, name)
            text = session.get_content(image.files_target, MANIFEST_BYTES)
            count = len(read_manifest(text))
    except TaarafoError as error:
        return str(error.facts.get("reason", error.explain()))
    except ValueError:
        return "its file list cannot be read"
    if root_of(text) != image.files_root or count != image.files_count:
        return "its file list is another one than the release names"
    return ""
