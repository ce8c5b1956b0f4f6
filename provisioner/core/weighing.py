"""Decide which communities are weighed now, and the one job that weighs them all. Pure.

One job walks over many communities: a node with thousands of them starts a few jobs a night.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from provisioner.core.node_jobs import ROOT
from provisioner.core.place import Place, host_of, name_of
from provisioner.core.placement import pin
from provisioner.core.quotas import quota_of
from provisioner.core.upkeep import last_night
from provisioner.models.community import Community
from provisioner.models.service import JobSpec, Limits, Mount, ServiceSpec

A_JOB = 100  # communities: what is told of them fits into one line of a log (16 KB)
COMMUNITIES, BACKUPS, EDGE = "/communities", "/backups", "/edge"


def choose_due(communities: Iterable[Community], now: datetime, default_mb: int) -> list[Community]:
    """Whose limit is not the one that its app was told, and who was not weighed since the night
    began; at most as many as one job takes."""
    night = last_night(now)
    due = [
        (each.weighed_at is not None, each.weighed_at or each.created_at, each)
        for each in communities
        if each.weighed_at is None
        or each.weighed_at < night
        or each.told_quota_mb != quota_of(each, default_mb)
    ]
    due.sort(key=lambda found: (found[0], found[1], found[2].id))
    return [each for _, _, each in due[:A_JOB]]


def plan_weigh_all(communities: Sequence[Community], default_mb: int, place: Place) -> JobSpec:
    return _plan(f"{place.stack}-weigh", communities, default_mb, place)


def plan_weigh_one(community: Community, default_mb: int, place: Place) -> JobSpec:
    return _plan(f"{name_of(community, place.stack)}-weigh", (community,), default_mb, place)


def _plan(name: str, communities: Sequence[Community], default_mb: int, place: Place) -> JobSpec:
    """Weigh them and tell each app its limit (`provisioner.node.weigh`). It can change nothing but
    what is below the edge's folder."""
    wish = {each.id: [host_of(each), quota_of(each, default_mb)] for each in communities}
    return JobSpec(
        ServiceSpec(
            name=name,
            image=place.node_image,
            command=("python3", "-m", "provisioner.node.weigh", json.dumps(wish)),
            user=ROOT,
            labels={"org.taarafo.job": "weigh"},
            mounts=(
                Mount(place.communities_dir, COMMUNITIES, read_only=True),
                Mount(place.backup_dir, BACKUPS, read_only=True),
                Mount(place.edge_dir, EDGE),
            ),
            networks=("host",),  # nothing is sent; it only spares the node a bridge
            capabilities=("CAP_DAC_OVERRIDE",),
            constraints=pin(place.nodes),
            limits=Limits(memory_mb=256, cpus=0.5, pids=16),
        )
    )
