"""What is published, as the signed entries say."""

from __future__ import annotations

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import TargetFile

from provisioner.core.versions import version_key
from provisioner.errors import ReleaseRejected
from provisioner.models.release import Listing, Release
from provisioner.publishing.publisher import Publisher, role_of
from provisioner.publishing.repository import State

NO_FLOOR = "0.0.0"


def list_releases(publisher: Publisher) -> list[Listing]:
    """Every published release by app and channel, oldest version first."""
    state = publisher.read_state()
    listings = [
        listing_of(state, role, entry)
        for role, metadata in state.roles.items()
        for entry in metadata.signed.targets.values()
        if entry.custom
    ]
    return sorted(listings, key=lambda one: (one.target.split("/")[:3], version_key(one.version)))


def find_newest(publisher: Publisher, name: str, channel: str) -> Release | None:
    """The newest published release of an app's channel, read on the publisher's side: also when
    its signatures have run out. Raises ReleaseRejected."""
    state = publisher.read_state()
    role = state.roles.get(role_of(name, channel))
    entries = [entry for entry in role.signed.targets.values() if entry.custom] if role else []
    if not entries:
        return None
    return read_published(
        publisher, max(entries, key=lambda entry: version_key(entry.path.split("/")[3]))
    )


def read_published(publisher: Publisher, entry: TargetFile) -> Release:
    """A release by its signed entry, read on the publisher's side. Raises ReleaseRejected."""
    try:
        return Release.from_bytes(publisher.repository.read_target(entry))
    except (OSError, ValueError, RepositoryError) as error:
        raise ReleaseRejected(str(error), reason=f"{entry.path} is damaged") from error


def listing_of(state: State, role: str, entry: TargetFile) -> Listing:
    """What the signed entry of a release says about it."""
    return Listing(
        target=entry.path,
        version=entry.path.split("/")[3],
        channel=entry.custom["channel"],
        security_floor=entry.custom["security_floor"],
        is_self_built=is_self_built(state, role),
    )


def is_self_built(state: State, role: str) -> bool:
    """Whether one key is enough to sign for a role."""
    return state.targets.signed.get_delegated_role(role).threshold < 2


def get_floor(state: State, role: str) -> str:
    """The newest security floor of a role; 0.0.0 when there is none."""
    floors = [
        entry.custom["security_floor"]
        for entry in state.roles[role].signed.targets.values()
        if entry.custom
    ]
    return max(floors, key=version_key, default=NO_FLOOR)
