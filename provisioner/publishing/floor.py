"""The security floor of a channel: the oldest version that is still safe to run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from tuf.api.metadata import TargetFile

from provisioner.core.versions import sort_versions, version_key
from provisioner.errors import FloorRefused, KeyRefused
from provisioner.files import remove_unfinished
from provisioner.models.release import VERSION, Listing
from provisioner.publishing.listing import get_floor, listing_of
from provisioner.publishing.publisher import Publisher, role_of
from provisioner.publishing.settle import commit_or_propose, resume_change


def raise_floor(
    publisher: Publisher, app: str, channel: str, version: str, *, now: datetime
) -> Listing:
    """Say in every signed entry of a channel that versions before this one are not safe to run.

    Returns the newest release as it is described then. The same floor again changes nothing.
    Raises FloorRefused, KeyMissing, and SignaturesMissing when the change waits for others.
    """
    with publisher.repository.locked():
        remove_unfinished(publisher.repository.folder)
        resume_change(publisher, now)
        state, role = publisher.read_state(), role_of(app, channel)
        if role not in state.roles:
            raise KeyRefused(reason=f"there are none for {app} in {channel}")
        entries = [one for one in state.roles[role].signed.targets.values() if one.custom]
        if reason := _find_obstacle(version, entries, get_floor(state, role)):
            raise FloorRefused(version=version, reason=reason)
        if any(entry.custom["security_floor"] != version for entry in entries):
            for entry in entries:
                entry.custom["security_floor"] = version
            commit_or_propose(publisher, state, role, now)
        newest = max(entries, key=lambda entry: version_key(_version_of(entry)))
        return listing_of(state, role, newest)


def _find_obstacle(version: str, entries: Sequence[TargetFile], floor: str) -> str:
    """Why the floor cannot be this version, or ""."""
    if not entries:
        return "nothing is published yet"
    if not re.fullmatch(VERSION, version):
        return "a version is three numbers, such as 1.2.0"
    if version_key(version) < version_key(floor):
        return f"it is {floor} now and can only rise"
    published = sort_versions(_version_of(entry) for entry in entries)
    if version not in published and version_key(version) < version_key(published[-1]):
        return f"that version is not published; there are {', '.join(published)}"
    return ""


def _version_of(entry: TargetFile) -> str:
    return entry.path.split("/")[3]
