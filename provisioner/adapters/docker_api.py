"""Docker's API (1.41 and newer): how the parts of `Swarm` reach it, and what its errors mean."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException, NotFound

from provisioner.errors import OperatorError, Unavailable

SERVICE_LABEL = "com.docker.swarm.service.name"
OUT_OF_SEQUENCE = "update out of sequence"
OUT_OF_SEQUENCE_SECONDS = 10


class DockerApi:
    """Connects on first use; keeps no state of its own."""

    def __init__(self, docker_host: str, *, timeout_seconds: int = 30) -> None:
        self._host = docker_host
        self._timeout = timeout_seconds

    @cached_property
    def _api(self) -> Any:  # noqa: ANN401 - docker-py has no types
        api = docker.APIClient(base_url=self._host, version="auto", timeout=self._timeout)
        api.trust_env = False  # no proxy leads to it; to look for one took a third of each call
        return api

    @cached_property
    def _node_id(self) -> str:
        """Of this machine, in the Swarm that it is in."""
        return str(self._api.info()["Swarm"]["NodeID"])

    def _find_service(self, name: str) -> dict[str, Any] | None:
        return exact(self._api.services(filters={"name": name}), name)

    def _list_tasks(self, name: str) -> list[dict[str, Any]] | None:
        """None when there is no such service."""
        with translated():
            try:
                return [t for t in self._api.tasks(filters={"service": name}) if t.get("Spec")]
            except NotFound:  # Docker refuses to look for tasks of a service that is not there
                return None

    def _containers_of(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._api.containers(
            filters={"label": f"{SERVICE_LABEL}={name}"}
        )
        return found


def exact(rows: list[dict[str, Any]], name: str) -> dict[str, Any] | None:
    """Docker filters by prefix; only the exact name counts."""
    return next((r for r in rows if r.get("Spec", r).get("Name") == name), None)


def unless_exists(call: Callable[[], object]) -> None:
    """Make something that may be there already."""
    try:
        call()
    except APIError as error:
        if error.status_code != 409 and "already exists" not in str(error):
            raise


def unless_missing(call: Callable[[], object]) -> None:
    """Remove something that may be gone already."""
    try:
        call()
    except APIError as error:
        if error.status_code != 404:
            raise


def in_sequence(look_and_change: Callable[[], None]) -> None:
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
def translated() -> Iterator[None]:
    """Docker's and its HTTP client's exceptions become ours."""
    try:
        yield
    except APIError as error:
        if error.status_code is not None and 400 <= error.status_code < 500:
            raise OperatorError(str(error)) from error
        raise Unavailable(str(error), part="this machine's engine") from error
    except (DockerException, requests.exceptions.RequestException) as error:
        raise Unavailable(str(error), part="this machine's engine") from error
