"""The papers of a release as targets beside it: bills of materials, and signed provenance."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping

from tuf.api.metadata import TargetFile

from provisioner.core.appraisal.dsse import seal
from provisioner.core.provenance import digest_of, find_misfit
from provisioner.errors import ReleaseRejected
from provisioner.models.evidence import PAYLOAD_TYPE
from provisioner.models.release import BUILDER_FIELD, Release
from provisioner.publishing.builder import get_builder
from provisioner.publishing.keys import KeyRing
from provisioner.publishing.papers import Papers
from provisioner.publishing.repository import State


def check_papers(release: Release, papers: Mapping[str, Papers]) -> None:
    """Raises ReleaseRejected unless the papers, by image, are those that the release names."""
    for name, image in release.images.items():
        if not image.sbom and not image.provenance_statement and name not in papers:
            continue
        held = papers.get(name, Papers(b"", b""))
        if digest_of(held.sbom) != image.sbom:
            reason = f"the bill of materials of its image {name} is not the one named"
            raise ReleaseRejected(reason=reason)
        if misfit := find_misfit(held.statement, release, name):
            raise ReleaseRejected(reason=f"image {name}: {misfit}")


def plan_papers_targets(
    ring: KeyRing, state: State, release: Release, papers: Mapping[str, Papers]
) -> Iterator[tuple[TargetFile, bytes]]:
    """Each paper with its entry; the statement is signed with the builder's key.

    The entry of an envelope says whose signature is on it. Raises KeyMissing or KeyRefused.
    """
    key = get_builder(ring, state) if papers else None
    for name, held in papers.items():
        yield TargetFile.from_data(release.sbom_target(name), held.sbom), held.sbom
        if key:
            envelope = seal(PAYLOAD_TYPE, held.statement, key)
            entry = TargetFile.from_data(release.provenance_target(name), envelope)
            public = key.public_key().public_bytes_raw()
            entry.unrecognized_fields[BUILDER_FIELD] = base64.b64encode(public).decode("ascii")
            yield entry, envelope
