"""From one channel to the other: the same images, lists of files and papers, and nothing is built.

The release itself differs in one word, the name of its channel, which its keys sign for.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from tuf.api.metadata import TargetFile, Targets

from provisioner.core.versions import version_key, version_of
from provisioner.errors import PromotionRefused
from provisioner.files import remove_unfinished
from provisioner.models.release import EARLY, STABLE, Listing, Release, release_target
from provisioner.publishing.listing import get_floor, listing_of, read_published
from provisioner.publishing.publish import plan_entry
from provisioner.publishing.publisher import Publisher, role_of
from provisioner.publishing.repository import State
from provisioner.publishing.settle import commit_or_propose, resume_change


def promote_release(publisher: Publisher, app: str, version: str, *, now: datetime) -> Listing:
    """Give a release of `early` to everybody. The same again changes nothing.

    The security floor of `early` comes with it. Raises PromotionRefused, ReleaseExists, KeyMissing,
    and SignaturesMissing when it waits for the signatures of others.
    """
    with publisher.repository.locked():
        remove_unfinished(publisher.repository.folder)
        resume_change(publisher, now)
        state, role = publisher.read_state(), role_of(app, STABLE)
        early = _find_release(publisher, state, app, version)
        release = early.model_copy(update={"channel": STABLE})
        listed = state.roles[role].signed.targets
        if release.target in listed:
            return listing_of(state, role, listed[release.target])
        _refuse_late(state, role, version)
        floor = get_floor(state, role_of(app, EARLY))
        entry = plan_entry(release, state, role, floor)
        publisher.repository.write_target(entry, release.to_bytes())
        listed[entry.path] = entry
        for source, path in _list_others(early, release):
            _share(publisher, state.roles[role_of(app, EARLY)].signed, source, path, listed)
        commit_or_propose(publisher, state, role, now)
        return listing_of(state, role, entry)


def _find_release(publisher: Publisher, state: State, app: str, version: str) -> Release:
    role, target = role_of(app, EARLY), release_target(app, EARLY, version)
    entry = state.roles[role].signed.targets.get(target) if role in state.roles else None
    if entry is None or role_of(app, STABLE) not in state.roles:
        raise PromotionRefused(name=f"{app} {version}", reason=f"it is not published in {EARLY}")
    if version_key(version) < version_key(floor := get_floor(state, role)):
        reason = f"it is not safe to run; {floor} and later are"
        raise PromotionRefused(name=f"{app} {version}", reason=reason)
    return read_published(publisher, entry)


def _refuse_late(state: State, role: str, version: str) -> None:
    """What is older than the newest of `stable` would come to nobody."""
    versions = [
        version_of(path) for path, each in state.roles[role].signed.targets.items() if each.custom
    ]
    newest = max(versions, key=version_key, default="0.0.0")
    if version_key(newest) > version_key(version):
        reason = f"{STABLE} has {newest} already, which is newer"
        raise PromotionRefused(name=version, reason=reason)


def _list_others(early: Release, release: Release) -> Iterator[tuple[str, str]]:
    """(where it lies in `early`, where it is to lie) of papers and lists of files."""
    for name, image in release.images.items():
        yield image.files_target, image.files_target
        yield early.sbom_target(name), release.sbom_target(name)
        yield early.provenance_target(name), release.provenance_target(name)


def _share(
    publisher: Publisher, role: Targets, source: str, path: str, listed: dict[str, TargetFile]
) -> None:
    """The same bytes under another path; one that has no such paper has none there either."""
    if source not in role.targets:
        return
    entry = role.targets[source]
    content = publisher.repository.read_target(entry)
    copied = TargetFile(entry.length, dict(entry.hashes), path, dict(entry.unrecognized_fields))
    listed[path] = copied
    publisher.repository.write_target(copied, content)
