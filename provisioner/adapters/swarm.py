"""Docker Swarm through its API (1.41 and newer): the only importer of `docker`."""

from __future__ import annotations

import hashlib
import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from functools import cached_property
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException, NotFound

from provisioner.adapters.swarm_spec import SPEC_LABEL, write_service
from provisioner.errors import OperatorError, Unavailable
from provisioner.models.service import JobSpec, JobState, LocalImage, Node, ServiceSpec, TaskStatus

HOST_LABEL = "org.taarafo.host_id"  # of a node
SERVICE_LABEL = "com.docker.swarm.service.name"
JOB_LABEL = "org.taarafo.job"
FAILED_STATES = frozenset({"failed", "rejected", "shutdown", "orphaned", "remove"})
CRASHED = frozenset({"failed", "rejected"})
# 128 and the signal: what a program does to itself; any other comes from outside, as from Docker
KILLED = 128
ENDED_ITSELF = frozenset(
    KILLED + each for each in (signal.SIGILL, signal.SIGABRT, signal.SIGFPE, signal.SIGSEGV)
)
ENDED_STATES = frozenset({"exited", "dead"})  # of a container
OUT_OF_SEQUENCE = "update out of sequence"
OUT_OF_SEQUENCE_SECONDS = 10
IMAGE_ABSENT = ("no such image", "pull", "connection refused", "manifest unknown")


class Swarm:
    """The port `Engine`. Connects on first use; keeps no state of its own."""

    def __init__(self, docker_host: str, *, timeout_seconds: int = 30) -> None:
        self._host = docker_host
        self._timeout = timeout_seconds

    @cached_property
    def _api(self) -> Any:  # noqa: ANN401 - docker-py has no types
        api = docker.APIClient(base_url=self._host, version="auto", timeout=self._timeout)
        api.trust_env = False  # no proxy leads to it; to look for one took a third of each call
        return api

    # -- the swarm itself ----------------------------------------------------------------------

    def ensure_swarm(self, address: str) -> bool:
        """Make this machine a Swarm of one, unless it is in one; True when it was made now."""
        with _translated():
            if self._api.info()["Swarm"]["LocalNodeState"] == "active":
                return False
            self._api.init_swarm(advertise_addr=address, listen_addr=f"{address}:2377")
            return True

    def leave_swarm(self) -> None:
        with _translated():
            self._api.leave_swarm(force=True)

    def get_root_dir(self) -> str:
        """Docker's data-root on this host."""
        with _translated():
            return str(self._api.info()["DockerRootDir"])

    def remove_images(self, prefix: str) -> None:
        """Every image whose reference starts so; those in use stay."""
        with _translated():
            for image in self._api.images():
                names = [*(image["RepoTags"] or ()), *(image["RepoDigests"] or ())]
                if any(name.startswith(prefix) for name in names):
                    with suppress(APIError):
                        self._api.remove_image(image["Id"], force=True)

    def list_images(self) -> list[LocalImage]:
        with _translated():
            containers = self._api.containers(all=True)
            used = {c["ImageID"] for c in containers if c["State"] not in ENDED_STATES}
            return [
                LocalImage(
                    id=image["Id"],
                    references=(*(image["RepoDigests"] or ()), *(image["RepoTags"] or ())),
                    is_used=image["Id"] in used,
                )
                for image in self._api.images()
            ]

    def clear_ended(self) -> int:
        """Docker keeps the container of a job for good, also when the job is removed."""
        with _translated():
            here = {s["Spec"]["Name"] for s in self._api.services()}
            ended = self._api.containers(
                all=True, filters={"label": JOB_LABEL, "status": sorted(ENDED_STATES)}
            )
            left = [c for c in ended if c["Labels"].get(SERVICE_LABEL) not in here]
            for container in left:
                with suppress(APIError):  # Docker removes it just now, or it is tried again
                    self._api.remove_container(container["Id"])
        return len(left)

    def list_service_images(self) -> set[str]:
        with _translated():
            specs = [service["Spec"]["TaskTemplate"] for service in self._api.services()]
        return {spec["ContainerSpec"]["Image"] for spec in specs if "ContainerSpec" in spec}

    def remove_image(self, reference: str) -> bool:
        """Forced, as Swarm keeps containers of tasks that ended long ago, which use nothing."""
        with _translated():
            try:
                _unless_missing(lambda: self._api.remove_image(reference, force=True))
            except APIError as error:
                if error.status_code != 409:
                    raise
                return False
        return True

    def list_nodes(self) -> list[Node]:
        with _translated():
            return [_read_node(each, self._node_id) for each in self._api.nodes()]

    def name_host(self, node_id: str, host_id: str) -> None:
        with _translated():
            _in_sequence(lambda: self._label_node(node_id, host_id))

    # -- making --------------------------------------------------------------------------------

    def ensure_network(
        self, name: str, *, internal: bool, labels: Mapping[str, str], is_shared: bool = False
    ) -> None:
        with _translated():
            if not _exact(self._api.networks(names=[name]), name):
                _unless_exists(
                    lambda: self._api.create_network(
                        name,
                        driver="overlay",
                        internal=internal,
                        labels=dict(labels),
                        attachable=is_shared,
                        check_duplicate=True,
                        scope="swarm",
                    )
                )

    def ensure_secret(self, name: str, value: bytes, labels: Mapping[str, str]) -> None:
        with _translated():
            _unless_exists(lambda: self._api.create_secret(name, value, labels=dict(labels)))

    def ensure_config(self, name: str, value: bytes, labels: Mapping[str, str]) -> None:
        with _translated():
            _unless_exists(lambda: self._api.create_config(name, value, labels=dict(labels)))

    def ensure_service(self, spec: ServiceSpec) -> None:
        with _translated():
            wanted = self._write(spec, is_job=False)
            _in_sequence(lambda: self._put_service(spec.name, wanted))

    def start_job(self, job: JobSpec) -> None:
        with _translated():
            if self._find_service(job.service.name) is None:
                wanted = self._write(job.service, is_job=True)
                _unless_exists(lambda: self._create(wanted))

    # -- asking --------------------------------------------------------------------------------

    def get_job_state(self, name: str) -> JobState:
        tasks = self._list_tasks(name)
        if tasks is None:
            return JobState.MISSING
        task = _newest(tasks)
        if task is None or task.state not in FAILED_STATES | {"complete"}:
            return JobState.RUNNING
        if task.state == "complete":
            return JobState.SUCCEEDED
        if any(sign in task.message.lower() for sign in IMAGE_ABSENT):
            self.remove_service(name)
            raise Unavailable(task.message, part="the store of published programs")
        return JobState.FAILED

    def find_task(self, name: str) -> TaskStatus | None:
        return _newest(self._list_tasks(name) or [])

    def has_crashed(self, name: str) -> bool:
        failed = [t for t in self._list_tasks(name) or [] if t["Status"]["State"] in CRASHED]
        codes = [t["Status"].get("ContainerStatus", {}).get("ExitCode", 0) for t in failed]
        return len(failed) > 1 or any(0 < code < KILLED or code in ENDED_ITSELF for code in codes)

    def read_logs(self, name: str, *, lines: int = 50) -> list[str]:
        with _translated():
            try:
                raw = b"".join(self._api.service_logs(name, stdout=True, stderr=True, tail=lines))
            except NotFound:
                return []
        return raw.decode("utf-8", "replace").splitlines()

    def list_named(self, prefix: str) -> list[str]:
        with _translated():
            found = [f"service:{s['Spec']['Name']}" for s in self._api.services()]
            networks = [n for n in self._api.networks() if n["Driver"] == "overlay"]
            found += [f"network:{n['Name']}" for n in networks if not n.get("Ingress")]
            found += [f"secret:{s['Spec']['Name']}" for s in self._api.secrets()]
            found += [f"config:{c['Spec']['Name']}" for c in self._api.configs()]
        return sorted(f for f in found if f.partition(":")[2].startswith(prefix))

    def has_stopped(self, name: str) -> bool:
        with _translated():
            return not self._containers_of(name)

    def get_memory_mb(self) -> dict[str, int]:
        with _translated():
            used: dict[str, int] = {}
            for container in self._api.containers(filters={"label": SERVICE_LABEL}):
                name = container["Labels"][SERVICE_LABEL]
                used[name] = used.get(name, 0) + self._memory_of(container["Id"])
            return used

    def list_pids(self, name: str) -> list[int]:
        """Processes of a service on this host, as the host numbers them."""
        with _translated():
            rows = [self._api.top(c["Id"], "-eo pid") for c in self._containers_of(name)]
        return [int(line[0]) for row in rows for line in row["Processes"]]

    # -- removing ------------------------------------------------------------------------------

    def remove_service(self, name: str) -> None:
        with _translated():
            found = self._find_service(name)
            _unless_missing(lambda: self._api.remove_service(name))
            if found and "ReplicatedJob" in found["Spec"]["Mode"]:
                self._stop_each(name, 1)  # Swarm leaves the container of a removed job alone
            ends = time.monotonic() + self._timeout
            while self._containers_of(name):
                if time.monotonic() > ends:
                    raise Unavailable(f"{name} still runs", part="the old doors to close")
                time.sleep(0.05)

    def stop_service(self, spec: ServiceSpec) -> None:
        """Swarm itself would wait two seconds for the gossip of its nodes before it begins."""
        self.ensure_service(replace(spec, replicas=0))
        with _translated():
            self._stop_each(spec.name, spec.stop_grace_seconds)

    def remove_network(self, name: str) -> None:
        with _translated():
            try:
                _unless_missing(lambda: self._api.remove_network(name))
            except APIError as error:
                if "in use" in str(error) or "active endpoints" in str(error):
                    raise Unavailable(str(error), part="the old walls to come down") from error
                raise

    def remove_secret(self, name: str) -> None:
        with _translated():
            _unless_missing(lambda: self._api.remove_secret(name))

    def remove_config(self, name: str) -> None:
        with _translated():
            _unless_missing(lambda: self._api.remove_config(name))

    # -- within --------------------------------------------------------------------------------

    @cached_property
    def _node_id(self) -> str:
        return str(self._api.info()["Swarm"]["NodeID"])

    def _write(self, spec: ServiceSpec, *, is_job: bool) -> dict[str, Any]:
        secrets = {r.name: self._id_of("secrets", r.name) for r in spec.secrets}
        configs = {r.name: self._id_of("configs", r.name) for r in spec.configs}
        digest = hashlib.sha256(json.dumps(asdict(spec), sort_keys=True).encode()).hexdigest()
        return write_service(spec, secrets, configs, digest, is_job=is_job)

    def _id_of(self, kind: str, name: str) -> str:
        found = _exact(getattr(self._api, kind)(filters={"name": name}), name)
        if not found:
            raise OperatorError(f"{kind} {name} is missing")
        return str(found["ID"])

    def _create(self, wanted: dict[str, Any]) -> None:
        self._api.create_service(**wanted)

    def _put_service(self, name: str, wanted: dict[str, Any]) -> None:
        found = self._find_service(name)
        if found is None:
            _unless_exists(lambda: self._create(wanted))
        elif found["Spec"]["Labels"].get(SPEC_LABEL) != wanted["labels"][SPEC_LABEL]:
            version = found["Version"]["Index"]
            self._api.update_service(found["ID"], version, fetch_current_spec=False, **wanted)

    def _label_node(self, node_id: str, host_id: str) -> None:
        node = self._api.inspect_node(node_id)
        spec = node["Spec"]
        labels = {**(spec.get("Labels") or {}), HOST_LABEL: host_id}
        if labels != spec.get("Labels"):
            version = node["Version"]["Index"]
            self._api.update_node(node["ID"], version, {**spec, "Labels": labels})

    def _find_service(self, name: str) -> dict[str, Any] | None:
        return _exact(self._api.services(filters={"name": name}), name)

    def _list_tasks(self, name: str) -> list[dict[str, Any]] | None:
        """None when there is no such service."""
        with _translated():
            try:
                return [t for t in self._api.tasks(filters={"service": name}) if t.get("Spec")]
            except NotFound:  # Docker refuses to look for tasks of a service that is not there
                return None

    def _containers_of(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._api.containers(
            filters={"label": f"{SERVICE_LABEL}={name}"}
        )
        return found

    def _stop_each(self, name: str, seconds: int) -> None:
        for container in self._containers_of(name):
            _unless_missing(lambda: self._api.stop(container["Id"], timeout=seconds))  # noqa: B023

    def _memory_of(self, container_id: str) -> int:
        try:
            memory = self._api.stats(container_id, stream=False, one_shot=True)["memory_stats"]
        except APIError:
            return 0  # it went away between the two questions
        inactive = memory.get("stats", {})
        cache = inactive.get("total_inactive_file", inactive.get("inactive_file", 0))
        return int((memory.get("usage", 0) - cache) / 2**20)


def _read_node(row: dict[str, Any], here: str) -> Node:
    spec = row["Spec"]
    return Node(
        id=row["ID"],
        name=row["Description"]["Hostname"],
        role=spec["Role"],
        host_id=(spec.get("Labels") or {}).get(HOST_LABEL, ""),
        is_here=row["ID"] == here,
    )


def _exact(rows: list[dict[str, Any]], name: str) -> dict[str, Any] | None:
    """Docker filters by prefix; only the exact name counts."""
    return next((r for r in rows if r.get("Spec", r).get("Name") == name), None)


def _newest(tasks: list[dict[str, Any]]) -> TaskStatus | None:
    if not tasks:
        return None
    task = max(tasks, key=lambda each: each["CreatedAt"])
    status = task["Status"]
    return TaskStatus(
        state=status["State"],
        message=status.get("Err") or status.get("Message", ""),
        container_id=status.get("ContainerStatus", {}).get("ContainerID", ""),
        node_id=task.get("NodeID", ""),
    )


def _unless_exists(call: Callable[[], object]) -> None:
    try:
        call()
    except APIError as error:
        if error.status_code != 409 and "already exists" not in str(error):
            raise


def _unless_missing(call: Callable[[], object]) -> None:
    try:
        call()
    except APIError as error:
        if error.status_code != 404:
            raise


def _in_sequence(look_and_change: Callable[[], None]) -> None:
    """Swarm refuses to change what was changed since it was looked at. It changes services itself,
    as when it notes that an update has ended. So: look again."""
    ends = time.monotonic() + OUT_OF_SEQUENCE_SECONDS
    while True:
        try:
            return look_and_change()
        except APIError as error:
            if OUT_OF_SEQUENCE not in str(error) or time.monotonic() > ends:
                raise
        time.sleep(0.05)


@contextmanager
def _translated() -> Iterator[None]:
    """Docker's and its HTTP client's exceptions become ours."""
    try:
        yield
    except APIError as error:
        if error.status_code is not None and 400 <= error.status_code < 500:
            raise OperatorError(str(error)) from error
        raise Unavailable(str(error), part="this machine's engine") from error
    except (DockerException, requests.exceptions.RequestException) as error:
        raise Unavailable(str(error), part="this machine's engine") from error
