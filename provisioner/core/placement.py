"""On which hosts a service may run, of those that the Swarm has. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from provisioner.models.service import Node, ServiceSpec

HOSTS = "org.taarafo.hosts"  # label of a container: ids of all hosts that must report of it


def pin(nodes: Iterable[Node]) -> tuple[str, ...]:
    """The constraint that keeps a service on this very node, where its data is."""
    return tuple(f"node.id=={node.id}" for node in nodes if node.is_here)


def label_hosts(spec: ServiceSpec, nodes: Sequence[Node]) -> dict[str, str]:
    """The label that names the hosts; none as long as no host's agent is enrolled."""
    hosts = find_hosts(spec, nodes)
    return {HOSTS: ",".join(hosts)} if hosts else {}


def find_hosts(spec: ServiceSpec, nodes: Sequence[Node]) -> tuple[str, ...]:
    """Ids of the hosts where a task of the service may run, sorted.

    A node without an enrolled agent is named by its own id: nobody reports of it, and a check says
    so. A constraint that is not understood leaves no node out.
    """
    if not any(node.host_id for node in nodes):
        return ()
    fit = [n for n in nodes if all(_may_run(n, each) for each in spec.constraints)]
    return tuple(sorted(node.host_id or node.id for node in fit))


def _may_run(node: Node, constraint: str) -> bool:
    """One of Swarm's placement constraints, `node.<attribute>==<value>` or with `!=`."""
    is_not = "!=" in constraint
    name, _, value = constraint.partition("!=" if is_not else "==")
    known = {"node.id": node.id, "node.role": node.role, "node.hostname": node.name}
    has = known.get(name.strip())
    return has is None or (has == value.strip()) is not is_not
