"""Decide what a community needs on the Swarm. Pure: a Plan is data that the engine walks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from provisioner.core.appraisal.contract import EDGE_GROUP
from provisioner.core.placement import label_hosts, pin
from provisioner.core.promises import needs_route_out
from provisioner.models.community import Community
from provisioner.models.release import APP, Release
from provisioner.models.service import FileRef, JobSpec, Limits, Mount, Node, ServiceSpec, Tmpfs

EDGE_UID = EDGE_GROUP
OWNER_SECRET = "owner"  # noqa: S105 - a name, not a secret


@dataclass(frozen=True)
class Place:
    """Where a community is put: names and paths that the control plane decides."""

    stack: str
    registry: str
    tools_image: str  # a small image with coreutils, for node-local jobs
    state: str
    edge_dir: str
    evidence_dir: str
    communities_dir: str
    control_url: str
    nodes: tuple[Node, ...] = ()  # of the Swarm


@dataclass(frozen=True)
class Plan:
    """Everything that one community is made of, in the order it is created."""

    name: str
    labels: dict[str, str]
    prepare: JobSpec
    secrets: tuple[str, ...]  # recipe's secret names; each is a Swarm secret `<name>-<secret>`
    configs: dict[str, bytes]  # Swarm config name -> content
    network: str
    is_internal: bool
    service: ServiceSpec
    owner: JobSpec


def name_of(community: Community, stack: str) -> str:
    """`taarafo-smith-family-1a2b3c4d`: holds the address's first label, at most 49 letters."""
    return f"{stack}-{community.label}-{community.id[:8]}"


def host_of(community: Community) -> str:
    return community.address.partition(":")[0]


def data_dir(community: Community, place: Place) -> str:
    return str(PurePosixPath(place.communities_dir) / community.id)


def facts_for_templates(community: Community, release: Release, place: Place) -> dict[str, object]:
    """What a config template may name (docs/recipes.md)."""
    scheme = place.control_url.partition("://")[0]
    return {
        "community": {
            "id": community.id,
            "name": community.name,
            "address": community.address,
            "host": host_of(community),
            "url": f"{scheme}://{community.address}",
        },
        "promises": community.promised.model_dump(mode="json"),
        "founder": {"name": community.founder},
        "release": {
            "recipe": release.name,
            "version": release.version,
            "channel": release.channel,
        },
        "control": {
            "url": place.control_url,
            "check_url": f"{place.control_url}/check/{community.address}",
        },
    }


def plan_community(
    community: Community, release: Release, rendered: Mapping[str, bytes], place: Place
) -> Plan:
    """The service under the app contract, its jobs, its network and its files."""
    name = name_of(community, place.stack)
    labels = plan_labels(community, release)
    config_names = {file: f"{name}-{_short(file, content)}" for file, content in rendered.items()}
    declared = {**labels, "org.taarafo.configs": _declare_configs(release, rendered)}
    service = _plan_service(community, release, declared, config_names, place)
    return Plan(
        name=name,
        labels=labels,
        prepare=plan_prepare(community, release.recipe.app.uid, place),
        secrets=tuple(release.recipe.secrets),
        configs={config_names[file]: content for file, content in rendered.items()},
        network=name,
        is_internal=not needs_route_out(community.promised),
        service=service,
        owner=_plan_owner(service, release),
    )


def plan_labels(community: Community, release: Release) -> dict[str, str]:
    return {
        "org.taarafo.community": community.id,
        "org.taarafo.host": host_of(community),
        "org.taarafo.address": community.address,
        "org.taarafo.release": release.target,
        "org.taarafo.service": APP,
    }


def _declare_configs(release: Release, rendered: Mapping[str, bytes]) -> str:
    """Hash of each rendered config by its path, for the agent to compare with what it sees."""
    hashes = {
        target: hashlib.sha256(rendered[template.removesuffix(".j2")]).hexdigest()
        for template, target in release.recipe.app.configs.items()
    }
    return json.dumps(hashes, sort_keys=True)


def plan_prepare(community: Community, uid: int, place: Place) -> JobSpec:
    """Make the data folder and the door to the edge on the community's node."""
    folders = (f"{data_dir(community, place)}/data", f"{place.edge_dir}/{host_of(community)}")
    owner = ("-o", str(uid), "-g", str(EDGE_UID))
    return _node_job(community, place, "prepare", ("install", "-d", "-m", "0750", *owner, *folders))


def plan_erase(community: Community, place: Place) -> JobSpec:
    """Erase the data folder, the door and the evidence. Safe to repeat."""
    host = host_of(community)
    folders = (
        data_dir(community, place),
        f"{place.edge_dir}/{host}",
        f"{place.evidence_dir}/{host}",
    )
    return _node_job(community, place, "erase", ("rm", "-rf", "--one-file-system", "--", *folders))


def _node_job(community: Community, place: Place, verb: str, command: tuple[str, ...]) -> JobSpec:
    mounts = tuple(
        Mount(folder, folder)
        for folder in (place.communities_dir, place.edge_dir, place.evidence_dir)
    )
    return JobSpec(
        ServiceSpec(
            name=f"{name_of(community, place.stack)}-{verb}",
            image=place.tools_image,
            command=command,
            user="0:0",
            labels={"org.taarafo.job": verb, "org.taarafo.of": community.id},
            mounts=mounts,
            networks=("host",),  # nothing is sent; it only spares the node a bridge
            capabilities=("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER"),
            constraints=pin(place.nodes),
            limits=Limits(memory_mb=64, cpus=1.0, pids=16),
        )
    )


def _plan_service(
    community: Community,
    release: Release,
    labels: dict[str, str],
    config_names: Mapping[str, str],
    place: Place,
) -> ServiceSpec:
    name, wanted = name_of(community, place.stack), release.recipe.app
    spec = ServiceSpec(
        name=name,
        image=release.image_reference(place.registry, wanted.image),
        command=wanted.command,
        user=f"{wanted.uid}:{EDGE_UID}",
        environment=dict(wanted.environment),
        labels=labels,
        mounts=(
            Mount(f"{data_dir(community, place)}/data", "/data"),
            Mount(f"{place.edge_dir}/{host_of(community)}", "/run/edge"),
        ),
        tmpfs=tuple(Tmpfs(target) for target in wanted.tmpfs),
        secrets=tuple(
            FileRef(f"{name}-{secret}", f"/run/secrets/{secret}", wanted.uid, wanted.uid)
            for secret in wanted.secrets
        ),
        configs=tuple(
            FileRef(config_names[template.removesuffix(".j2")], target, wanted.uid, wanted.uid)
            for template, target in sorted(wanted.configs.items())
        ),
        networks=(name,),
        constraints=pin(place.nodes),
        limits=Limits(wanted.memory_mb, wanted.cpus, wanted.pids),
    )
    return replace(spec, labels={**labels, **label_hosts(spec, place.nodes)})


def _plan_owner(service: ServiceSpec, release: Release) -> JobSpec:
    """The recipe's `create-owner`, with the owner's secret that the serving app never sees."""
    uid = release.recipe.app.uid
    owner = FileRef(f"{service.name}-{OWNER_SECRET}", f"/run/secrets/{OWNER_SECRET}", uid, uid)
    return JobSpec(
        ServiceSpec(
            name=f"{service.name}-owner",
            image=service.image,
            command=release.recipe.commands["create-owner"],
            user=service.user,
            environment=service.environment,
            labels={
                "org.taarafo.job": "create-owner",
                "org.taarafo.of": service.labels["org.taarafo.community"],
            },
            mounts=service.mounts,
            tmpfs=service.tmpfs,
            secrets=(*service.secrets, owner),
            configs=service.configs,
            networks=service.networks,
            constraints=service.constraints,
            limits=service.limits,
        )
    )


def _short(file: str, content: bytes) -> str:
    return "c" + hashlib.sha256(file.encode() + b"\0" + content).hexdigest()[:10]
