"""Decide what a community needs on the Swarm. Pure: a Plan is data that the engine walks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from provisioner.core.node_jobs import plan_prepare
from provisioner.core.place import (
    EDGE_UID,
    TWIN,
    Place,
    home_dir,
    host_of,
    name_of,
    service_of,
    slot_dir,
)
from provisioner.core.placement import label_hosts, pin
from provisioner.core.promises import needs_route_out
from provisioner.models.community import Community
from provisioner.models.release import APP, Release
from provisioner.models.service import FileRef, JobSpec, Limits, Mount, ServiceSpec, Tmpfs

OWNER_SECRET = "owner"  # noqa: S105 - a name, not a secret


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


def _plan_service(
    community: Community,
    release: Release,
    labels: dict[str, str],
    config_names: Mapping[str, str],
    place: Place,
) -> ServiceSpec:
    name, wanted = name_of(community, place.stack), release.recipe.app
    spec = ServiceSpec(
        name=service_of(community, place.stack),
        image=release.image_reference(place.registry, wanted.image),
        command=wanted.command,
        user=f"{wanted.uid}:{EDGE_UID}",
        environment=dict(wanted.environment),
        labels=labels,
        mounts=(
            Mount(f"{home_dir(community, place)}/data", "/data"),
            Mount(slot_dir(community, place), "/run/edge"),
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


def plan_command(
    service: ServiceSpec, release: Release, verb: str, secrets: tuple[FileRef, ...] = ()
) -> JobSpec:
    """A one-shot command of the recipe, e.g. `migrate`, with all that the serving app has.

    `secrets` are those that it has beyond. Raises KeyError for one that the recipe lacks.
    """
    return JobSpec(
        replace(
            service,
            name=f"{_prefix_of(service)}-{verb}",
            command=release.recipe.commands[verb],
            labels={
                "org.taarafo.job": verb,
                "org.taarafo.of": service.labels["org.taarafo.community"],
            },
            secrets=(*service.secrets, *secrets),
            aliases=(),
        )
    )


def plan_fetch(service: ServiceSpec) -> JobSpec:
    """Bring its image to its host, and see that it can be started: it has a program `true`."""
    return JobSpec(
        replace(
            service,
            name=f"{_prefix_of(service)}-fetch",
            entrypoint=("true",),
            command=(),
            labels={
                "org.taarafo.job": "fetch",
                "org.taarafo.of": service.labels["org.taarafo.community"],
            },
            mounts=(),
            secrets=(),
            configs=(),
        )
    )


def _plan_owner(service: ServiceSpec, release: Release) -> JobSpec:
    """The recipe's `create-owner`, with the owner's secret that the serving app never sees."""
    uid = release.recipe.app.uid
    owner = FileRef(
        f"{_prefix_of(service)}-{OWNER_SECRET}", f"/run/secrets/{OWNER_SECRET}", uid, uid
    )
    return plan_command(service, release, "create-owner", (owner,))


def _prefix_of(service: ServiceSpec) -> str:
    """Jobs are called by the community, whichever of its two services it runs as."""
    return service.name.removesuffix(f"-{TWIN}")


def _short(file: str, content: bytes) -> str:
    return "c" + hashlib.sha256(file.encode() + b"\0" + content).hexdigest()[:10]
