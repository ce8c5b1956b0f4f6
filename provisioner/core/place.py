"""Where a community is put: its names on the Swarm and its folders on the host. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from provisioner.core.appraisal.contract import EDGE_GROUP
from provisioner.models.community import Community
from provisioner.models.service import Node

EDGE_UID = EDGE_GROUP
TWIN = "twin"  # last part of the name of the other service of a community


@dataclass(frozen=True)
class Place:
    """Where a community is put: names and paths that the control plane decides."""

    stack: str
    registry: str
    tools_image: str  # a small image with coreutils, for node-local jobs
    node_image: str  # the image with our own node-local programs
    state: str
    edge_dir: str
    evidence_dir: str
    communities_dir: str
    control_url: str
    keeper_image: str  # the image with restic
    backup_dir: str
    backup_s3: str = ""  # a repository's address in restic's words; empty: local only
    backup_s3_secret: str = ""  # the Swarm secret with the keys of that store
    nodes: tuple[Node, ...] = ()  # of the Swarm


def name_of(community: Community, stack: str) -> str:
    """`taarafo-smith-family-1a2b3c4d`: holds the address's first label, at most 49 letters."""
    return f"{stack}-{community.label}-{community.id[:8]}"


def service_of(community: Community, stack: str) -> str:
    """The service that it runs as. An upgrade starts the other of its two beside it."""
    return name_service(name_of(community, stack), community.runs_as)


def name_service(name: str, runs_as: str) -> str:
    """One of the two services of the community that is called `name`."""
    return f"{name}-{runs_as}" if runs_as else name


def host_of(community: Community) -> str:
    return community.address.partition(":")[0]


def home_dir(community: Community, place: Place) -> str:
    """All that is kept of a community: its data, and what was kept of it before an upgrade."""
    return str(PurePosixPath(place.communities_dir) / community.id)


def scratch_dir(community: Community, place: Place) -> str:
    """Beside its data, for what is in plain only while it is counted."""
    return f"{home_dir(community, place)}/scratch"


def drill_dir(community: Community, place: Place) -> str:
    """Where a drill brings a backup back to: `data` and `edge` are in it."""
    return f"{home_dir(community, place)}/drill"


def repository_dir(community: Community, place: Place) -> str:
    """Where its local backups are."""
    return str(PurePosixPath(place.backup_dir) / community.id)


def door_dir(community: Community, place: Place) -> str:
    """Where the edge looks for it: one folder a slot, and a link to the socket of the open one."""
    return f"{place.edge_dir}/{host_of(community)}"


def slot_dir(community: Community, place: Place) -> str:
    """The one folder of the edge that its container has."""
    return f"{door_dir(community, place)}/{community.slot}".rstrip("/")
