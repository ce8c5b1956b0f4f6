"""Write our ServiceSpec in the words of Docker's API (1.41). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.models.service import FileRef, ServiceSpec

SPEC_LABEL = "org.taarafo.spec"  # digest of the spec, to see whether an update is due
NANO = 1_000_000_000


def write_service(
    spec: ServiceSpec,
    secret_ids: Mapping[str, str],
    config_ids: Mapping[str, str],
    digest: str,
    *,
    is_job: bool,
) -> dict[str, Any]:
    """Keyword arguments of docker-py's `create_service` and `update_service`."""
    return {
        "task_template": {
            "ContainerSpec": _write_container(spec, secret_ids, config_ids),
            "Resources": {
                "Limits": {
                    "NanoCPUs": int(spec.limits.cpus * NANO),
                    "MemoryBytes": spec.limits.memory_mb * 2**20,
                    "Pids": spec.limits.pids,
                }
            },
            "RestartPolicy": (
                {"Condition": "none"} if is_job else {"Condition": "any", "Delay": NANO}
            ),
            "Placement": {"Constraints": list(spec.constraints)},
            "Networks": [{"Target": n, "Aliases": list(spec.aliases)} for n in spec.networks],
        },
        "name": spec.name,
        "labels": {**spec.labels, SPEC_LABEL: digest},
        "mode": _write_mode(spec, is_job=is_job),
        "update_config": (
            None  # the API refuses one for jobs
            if is_job
            else {"Parallelism": 1, "Order": "stop-first", "FailureAction": "pause"}
        ),
        "endpoint_spec": {
            "Mode": "dnsrr",
            "Ports": [
                {
                    "Protocol": "tcp",
                    "PublishedPort": published,
                    "TargetPort": target,
                    "PublishMode": "host",
                }
                for published, target in spec.host_ports
            ],
        },
    }


def _write_container(
    spec: ServiceSpec, secret_ids: Mapping[str, str], config_ids: Mapping[str, str]
) -> dict[str, Any]:
    binds = [
        {"Type": "bind", "Source": m.source, "Target": m.target, "ReadOnly": m.read_only}
        for m in spec.mounts
    ]
    memory = [
        {"Type": "tmpfs", "Target": t.target, "TmpfsOptions": {"SizeBytes": t.size_mb * 2**20}}
        for t in spec.tmpfs
    ]
    return {
        "Image": spec.image,
        **({"Command": list(spec.entrypoint)} if spec.entrypoint else {}),
        "Args": list(spec.command),
        "User": spec.user,
        "Env": [f"{k}={v}" for k, v in sorted(spec.environment.items())],
        "Labels": dict(spec.labels),
        "Mounts": binds + memory,
        "ReadOnly": spec.read_only,
        "CapabilityDrop": ["ALL"],
        "CapabilityAdd": list(spec.capabilities),
        "StopGracePeriod": spec.stop_grace_seconds * NANO,
        "Init": False,
        "Secrets": [_write_file(r, "Secret", secret_ids) for r in spec.secrets],
        "Configs": [_write_file(r, "Config", config_ids) for r in spec.configs],
    }


def _write_file(ref: FileRef, kind: str, ids: Mapping[str, str]) -> dict[str, Any]:
    return {
        f"{kind}ID": ids[ref.name],
        f"{kind}Name": ref.name,
        "File": {
            "Name": ref.target,
            "UID": str(ref.uid),
            "GID": str(ref.gid),
            "Mode": ref.mode,
        },
    }


def _write_mode(spec: ServiceSpec, *, is_job: bool) -> dict[str, Any]:
    if is_job:
        return {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}}
    return {"Global": {}} if spec.is_global else {"Replicated": {"Replicas": spec.replicas}}
