"""What a community must answer to a stranger, by what was promised. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.core.promises import SENTENCES
from provisioner.models.promise import Connections, Promises, Visibility

ACCOUNT = "/.well-known/webfinger?resource=acct:anybody@example.org"
NODES = "/.well-known/nodeinfo"


@dataclass(frozen=True)
class Probe:
    """A page that a stranger asks for, and the one status that keeps the promise."""

    path: str
    status: int
    promise: str  # its sentence


def plan_probes(promises: Promises) -> tuple[Probe, ...]:
    """Asked from outside, without any cookie."""
    seen = SENTENCES["visibility"][promises.visibility]
    front = 404 if promises.visibility is Visibility.HIDDEN else 200
    probes = [Probe("/", front, seen)]
    if promises.connections is Connections.NONE:
        said = SENTENCES["connections"][Connections.NONE]
        probes += [Probe(path, 404, said) for path in (ACCOUNT, NODES)]
    return tuple(probes)
