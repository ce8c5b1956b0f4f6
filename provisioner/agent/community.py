"""One community on this host: its containers, what is remembered of them, and when it is due."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from provisioner.agent.containers import Running
from provisioner.agent.glance import glance
from provisioner.agent.host import Host
from provisioner.agent.measure import measure
from provisioner.agent.members import find_adopted, find_keeper
from provisioner.agent.memory import Memory
from provisioner.agent.reference import find_claim
from provisioner.core.appraisal.contract import Contract
from provisioner.models.evidence import ContainerSeen


@dataclass
class Watched:
    """A running container beside the contract that it claims and the agent's memory of it."""

    container: Running
    contract: Contract
    memory: Memory

    def is_same(self, other: Running) -> bool:
        """Whether it is that very run of that container."""
        mine = self.container
        return (mine.id, mine.pid, mine.started) == (other.id, other.pid, other.started)


@dataclass(eq=False)
class Community:
    """Times are of the monotonic clock. One measurement at a time: hold `lock`."""

    watched: tuple[Watched, ...]
    lock: threading.Lock = field(default_factory=threading.Lock)
    due: float = 0.0
    not_before: float = 0.0
    glanced: float = 0.0
    next_glance: float = 0.0
    fingerprint: tuple[bytes, ...] = ()

    @property
    def containers(self) -> tuple[Running, ...]:
        return tuple(each.container for each in self.watched)

    @property
    def is_control_plane(self) -> bool:
        return self.watched[0].container.is_control_plane

    def measure(
        self,
        host: Host,
        now: datetime,
        *,
        is_full: bool = False,
        give_way: Callable[[], None] | None = None,
    ) -> tuple[ContainerSeen, ...]:
        """Calls `give_way`, if any, before each container. Raises Vanished."""
        seen = []
        for each in self.watched:
            if give_way:
                give_way()
            seen.append(measure(host, each.container, each.memory, now, is_full=is_full))
        return tuple(seen)

    def glance(self, host: Host) -> tuple[bytes, ...]:
        """Raises Vanished."""
        return tuple(
            glance(host, each.container, each.contract, each.memory) for each in self.watched
        )

    def meet(self, host: Host) -> bool:
        """Whether the engine let somebody in whom nobody has met. Raises Vanished."""
        news = [_meet(host, each.container, each.memory) for each in self.watched]
        return any(news)


def take_in(host: Host, containers: tuple[Running, ...], before: Community | None) -> Community:
    """What was read is forgotten; who came in is not, as long as that container still runs."""
    known = before.watched if before else ()
    watched = []
    for each in containers:
        visitors = {v for old in known if old.is_same(each) for v in old.memory.visitors}
        contract = find_claim(host.repository, each).contract
        watched.append(Watched(each, contract, Memory(visitors=visitors)))
    return Community(tuple(watched))


def _meet(host: Host, container: Running, memory: Memory) -> bool:
    if not memory.keeper:
        memory.keeper = find_keeper(host.proc, container.pid)
    found = find_adopted(host.proc, container.pid, container.id, memory.keeper)
    is_new = not found <= memory.visitors
    memory.meet(found)
    return is_new
