"""The Swarm itself, and the machines in it."""

from __future__ import annotations

from typing import Any

from provisioner.adapters.docker_api import DockerApi, in_sequence, translated
from provisioner.models.service import Node

HOST_LABEL = "org.taarafo.host_id"  # of a node


class Nodes(DockerApi):
    """The part of the port `Engine` that asks about machines."""

    def ensure_swarm(self, address: str) -> bool:
        """Make this machine a Swarm of one, unless it is in one; True when it was made now."""
        with translated():
            if self._api.info()["Swarm"]["LocalNodeState"] == "active":
                return False
            self._api.init_swarm(advertise_addr=address, listen_addr=f"{address}:2377")
            return True

    def leave_swarm(self) -> None:
        with translated():
            self._api.leave_swarm(force=True)

    def get_root_dir(self) -> str:
        """Docker's data-root on this host."""
        with translated():
            return str(self._api.info()["DockerRootDir"])

    def list_nodes(self) -> list[Node]:
        with translated():
            return [_read_node(each, self._node_id) for each in self._api.nodes()]

    def name_host(self, node_id: str, host_id: str) -> None:
        with translated():
            in_sequence(lambda: self._label_node(node_id, host_id))

    def _label_node(self, node_id: str, host_id: str) -> None:
        node = self._api.inspect_node(node_id)
        spec = node["Spec"]
        labels = {**(spec.get("Labels") or {}), HOST_LABEL: host_id}
        if labels != spec.get("Labels"):
            version = node["Version"]["Index"]
            self._api.update_node(node["ID"], version, {**spec, "Labels": labels})


def _read_node(row: dict[str, Any], here: str) -> Node:
    spec = row["Spec"]
    return Node(
        id=row["ID"],
        name=row["Description"]["Hostname"],
        role=spec["Role"],
        host_id=(spec.get("Labels") or {}).get(HOST_LABEL, ""),
        is_here=row["ID"] == here,
    )
