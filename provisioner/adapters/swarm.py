"""Docker Swarm: services, jobs and what they are given."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from docker.errors import APIError

from provisioner.adapters.docker_api import (
    exact,
    in_sequence,
    translated,
    unless_exists,
    unless_missing,
)
from provisioner.adapters.swarm_images import Images
from provisioner.adapters.swarm_nodes import Nodes
from provisioner.adapters.swarm_spec import SPEC_LABEL, write_service
from provisioner.adapters.swarm_tasks import OVER, Tasks, newest
from provisioner.errors import OperatorError, Unavailable
from provisioner.models.service import JobSpec, JobState, ServiceSpec

IMAGE_ABSENT = ("no such image", "pull", "connection refused", "manifest unknown")


class Swarm(Nodes, Images, Tasks):
    """The port `Engine`."""

    def ensure_network(
        self, name: str, *, internal: bool, labels: Mapping[str, str], is_shared: bool = False
    ) -> None:
        with translated():
            if not exact(self._api.networks(names=[name]), name):
                unless_exists(
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
        with translated():
            unless_exists(lambda: self._api.create_secret(name, value, labels=dict(labels)))

    def ensure_config(self, name: str, value: bytes, labels: Mapping[str, str]) -> None:
        with translated():
            unless_exists(lambda: self._api.create_config(name, value, labels=dict(labels)))

    def ensure_service(self, spec: ServiceSpec) -> None:
        with translated():
            wanted = self._write(spec, is_job=False)
            in_sequence(lambda: self._put_service(spec.name, wanted))

    def start_job(self, job: JobSpec) -> None:
        with translated():
            if self._find_service(job.service.name) is None:
                wanted = self._write(job.service, is_job=True)
                unless_exists(lambda: self._create(wanted))

    def get_job_state(self, name: str) -> JobState:
        tasks = self._list_tasks(name)
        if tasks is None:
            return JobState.MISSING
        task = newest(tasks)
        if task is None or task.state not in OVER:
            return JobState.RUNNING
        if task.state == "complete":
            return JobState.SUCCEEDED
        if any(sign in task.message.lower() for sign in IMAGE_ABSENT):
            self.remove_service(name)
            raise Unavailable(task.message, part="the store of published programs")
        return JobState.FAILED

    # -- removing ------------------------------------------------------------------------------

    def remove_service(self, name: str) -> None:
        with translated():
            found = self._find_service(name)
            unless_missing(lambda: self._api.remove_service(name))
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
        with translated():
            self._stop_each(spec.name, spec.stop_grace_seconds)

    def remove_network(self, name: str) -> None:
        with translated():
            try:
                unless_missing(lambda: self._api.remove_network(name))
            except APIError as error:
                if "in use" in str(error) or "active endpoints" in str(error):
                    raise Unavailable(str(error), part="the old walls to come down") from error
                raise

    def remove_secret(self, name: str) -> None:
        with translated():
            unless_missing(lambda: self._api.remove_secret(name))

    def remove_config(self, name: str) -> None:
        with translated():
            unless_missing(lambda: self._api.remove_config(name))

    # -- within --------------------------------------------------------------------------------

    def _write(self, spec: ServiceSpec, *, is_job: bool) -> dict[str, Any]:
        secrets = {r.name: self._id_of("secrets", r.name) for r in spec.secrets}
        configs = {r.name: self._id_of("configs", r.name) for r in spec.configs}
        digest = hashlib.sha256(json.dumps(asdict(spec), sort_keys=True).encode()).hexdigest()
        return write_service(spec, secrets, configs, digest, is_job=is_job)

    def _id_of(self, kind: str, name: str) -> str:
        found = exact(getattr(self._api, kind)(filters={"name": name}), name)
        if not found:
            raise OperatorError(f"{kind} {name} is missing")
        return str(found["ID"])

    def _create(self, wanted: dict[str, Any]) -> None:
        self._api.create_service(**wanted)

    def _put_service(self, name: str, wanted: dict[str, Any]) -> None:
        found = self._find_service(name)
        if found is None:
            unless_exists(lambda: self._create(wanted))
        elif found["Spec"]["Labels"].get(SPEC_LABEL) != wanted["labels"][SPEC_LABEL]:
            version = found["Version"]["Index"]
            self._api.update_service(found["ID"], version, fetch_current_spec=False, **wanted)

    def _stop_each(self, name: str, seconds: int) -> None:
        for container in self._containers_of(name):
            unless_missing(lambda: self._api.stop(container["Id"], timeout=seconds))  # noqa: B023
