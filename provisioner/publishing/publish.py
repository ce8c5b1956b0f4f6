"""Publishing one release: its description and file manifests, signed and made visible at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from tuf.api.metadata import Metadata, TargetFile, Targets

from provisioner.core.versions import version_key
from provisioner.errors import KeyRefused, ReleaseExists, ReleaseRejected
from provisioner.files import remove_unfinished
from provisioner.models.manifest import root_of
from provisioner.models.release import Listing, Release
from provisioner.publishing.channels import refuse_rival
from provisioner.publishing.listing import NO_FLOOR, get_floor, is_self_built, listing_of
from provisioner.publishing.papers import Papers
from provisioner.publishing.publish_papers import check_papers, plan_papers_targets
from provisioner.publishing.publisher import Publisher, role_of
from provisioner.publishing.repository import State
from provisioner.publishing.settle import commit_or_propose, resume_change


def publish_release(
    publisher: Publisher,
    release: Release,
    manifests: Mapping[str, bytes],
    *,
    now: datetime,
    papers: Mapping[str, Papers] | None = None,
    security_floor: str = "",
) -> Listing:
    """Add one release with the manifests (by `sha256:…`) and the papers (by name) of its images.

    The same release again changes nothing. The floor of the channel stays, or rises to
    `security_floor`. Raises ReleaseExists for other bytes under a published version, of whatever
    channel; KeyMissing, KeyRefused, and SignaturesMissing when the release waits for the signatures
    of others.
    """
    _check_manifests(release, manifests)
    check_papers(release, papers or {})
    with publisher.repository.locked():
        remove_unfinished(publisher.repository.folder)
        resume_change(publisher, now)
        state = publisher.read_state()
        role = role_of(release.name, release.channel)
        if role not in state.roles:
            raise KeyRefused(reason=f"there are none for {release.name} in {release.channel}")
        entry = plan_entry(release, state, role, security_floor)
        published = state.roles[role].signed.targets.get(release.target)
        if published is not None:
            if published.hashes != entry.hashes:
                raise ReleaseExists(name=f"{release.name} {release.version}")
            return listing_of(state, role, published)
        refuse_rival(publisher, state, release)
        beside = list(plan_papers_targets(publisher.ring, state, release, papers or {}))
        _add_target(publisher, state.roles[role], entry, release.to_bytes())
        for file, content in beside:
            _add_target(publisher, state.roles[role], file, content)
        for image in release.images.values():
            text = manifests[image.files_root]
            file = TargetFile.from_data(image.files_target, text)
            _add_target(publisher, state.roles[role], file, text)
        commit_or_propose(publisher, state, role, now)
        return listing_of(state, role, entry)


def plan_entry(release: Release, state: State, role: str, security_floor: str = "") -> TargetFile:
    """The signed entry of a release; integers, strings and booleans only (no floats)."""
    entry = TargetFile.from_data(release.target, release.to_bytes())
    entry.unrecognized_fields["custom"] = {
        "channel": release.channel,
        "security_floor": max(security_floor or NO_FLOOR, get_floor(state, role), key=version_key),
        "self_built": is_self_built(state, role),
    }
    return entry


def _add_target(
    publisher: Publisher, metadata: Metadata[Targets], entry: TargetFile, content: bytes
) -> None:
    metadata.signed.targets[entry.path] = entry
    publisher.repository.write_target(entry, content)


def _check_manifests(release: Release, manifests: Mapping[str, bytes]) -> None:
    for name, image in release.images.items():
        text = manifests.get(image.files_root)
        if text is None or root_of(text) != image.files_root:
            raise ReleaseRejected(reason=f"the file list of its image {name} is not the one named")
