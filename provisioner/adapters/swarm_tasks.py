"""What runs: the tasks of services, what they printed and what they need."""

from __future__ import annotations

import signal
from typing import Any

from docker.errors import APIError, NotFound

from provisioner.adapters.docker_api import SERVICE_LABEL, DockerApi, translated
from provisioner.models.service import TaskStatus

CRASHED = frozenset({"failed", "rejected"})
STARTING = frozenset({"assigned", "accepted", "preparing", "ready", "starting"})
OVER = frozenset({"complete", "shutdown", "failed", "rejected", "remove", "orphaned"})
# 128 and the signal: what a program does to itself; any other comes from outside, as from Docker
KILLED = 128
ENDED_ITSELF = frozenset(
    KILLED + each for each in (signal.SIGILL, signal.SIGABRT, signal.SIGFPE, signal.SIGSEGV)
)


class Tasks(DockerApi):
    """The part of the port `Engine` that asks and changes nothing."""

    def find_task(self, name: str) -> TaskStatus | None:
        return newest(self._list_tasks(name) or [])

    def has_crashed(self, name: str) -> bool:
        failed = [t for t in self._list_tasks(name) or [] if t["Status"]["State"] in CRASHED]
        codes = [t["Status"].get("ContainerStatus", {}).get("ExitCode", 0) for t in failed]
        return len(failed) > 1 or any(0 < code < KILLED or code in ENDED_ITSELF for code in codes)

    def is_starting(self, name: str) -> bool:
        return any(t["Status"]["State"] in STARTING for t in self._list_tasks(name) or [])

    def has_stopped(self, name: str) -> bool:
        """What crashed a moment before Swarm was told to run none may be on its way to be started
        again: no container of it runs then, and a moment later one does. So its tasks count, too.
        They are asked first: whatever starts in between has a container."""
        tasks = self._list_tasks(name) or []
        with translated():
            is_over = all(self._is_over(task) for task in tasks)
            return is_over and not self._containers_of(name)

    def read_logs(self, name: str, *, lines: int = 50) -> list[str]:
        with translated():
            try:
                raw = b"".join(self._api.service_logs(name, stdout=True, stderr=True, tail=lines))
            except NotFound:
                return []
        return raw.decode("utf-8", "replace").splitlines()

    def list_named(self, prefix: str) -> list[str]:
        with translated():
            found = [f"service:{s['Spec']['Name']}" for s in self._api.services()]
            networks = [n for n in self._api.networks() if n["Driver"] == "overlay"]
            found += [f"network:{n['Name']}" for n in networks if not n.get("Ingress")]
            found += [f"secret:{s['Spec']['Name']}" for s in self._api.secrets()]
            found += [f"config:{c['Spec']['Name']}" for c in self._api.configs()]
        return sorted(f for f in found if f.partition(":")[2].startswith(prefix))

    def get_memory_mb(self) -> dict[str, int]:
        with translated():
            used: dict[str, int] = {}
            for container in self._api.containers(filters={"label": SERVICE_LABEL}):
                name = container["Labels"][SERVICE_LABEL]
                used[name] = used.get(name, 0) + self._memory_of(container["Id"])
            return used

    def list_pids(self, name: str) -> list[int]:
        """Processes of a service on this host, as the host numbers them."""
        with translated():
            rows = [self._api.top(c["Id"], "-eo pid") for c in self._containers_of(name)]
        return [int(line[0]) for row in rows for line in row["Processes"]]

    def _is_over(self, task: dict[str, Any]) -> bool:
        """Here a container says sooner than its task that it has ended."""
        state = task["Status"]["State"]
        return state in OVER or (state == "running" and task.get("NodeID") == self._node_id)

    def _memory_of(self, container_id: str) -> int:
        try:
            memory = self._api.stats(container_id, stream=False, one_shot=True)["memory_stats"]
        except APIError:
            return 0  # it went away between the two questions
        inactive = memory.get("stats", {})
        cache = inactive.get("total_inactive_file", inactive.get("inactive_file", 0))
        return int((memory.get("usage", 0) - cache) / 2**20)


def newest(tasks: list[dict[str, Any]]) -> TaskStatus | None:
    """Of the tasks as Docker tells them, the one that was made last."""
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
