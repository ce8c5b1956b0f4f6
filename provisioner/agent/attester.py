"""The attester's loop: notice what runs, measure it, publish evidence before the last expires."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from dataclasses import dataclass, field
from datetime import UTC, datetime

from provisioner.agent.containers import Containers, Running
from provisioner.agent.glance import glance
from provisioner.agent.host import Host
from provisioner.agent.measure import measure
from provisioner.agent.processes import Vanished
from provisioner.agent.publication import Publication
from provisioner.agent.reference import find_claim
from provisioner.core.appraisal.contract import Contract

LOOK_SECONDS = 0.25
REPEAT_SECONDS = 200.0  # of 300 that evidence lives
RETRY_SECONDS = 5.0
# Glances may take a fiftieth of one processor's time, repeated measurements a tenth.
GLANCE_SECONDS, GLANCE_SHARE, MEASURE_SHARE = 1.0, 50.0, 10.0


@dataclass
class _Community:
    """What the loop remembers of one community. Times are of the monotonic clock."""

    containers: tuple[Running, ...]
    contracts: tuple[Contract, ...]
    due: float = 0.0
    not_before: float = 0.0
    glanced: float = 0.0
    fingerprint: tuple[bytes, ...] = ()


@dataclass
class Attester:
    """Runs until `stop` is set."""

    containers: Containers
    host: Host
    publication: Publication
    stop: threading.Event
    _communities: dict[str, _Community] = field(default_factory=dict)
    _next_glance: float = 0.0

    def run(self) -> None:
        while not self.stop.is_set():
            self.look()
            due = self._find_due()
            if due:
                self._attest(due)
            elif self._communities and time.monotonic() >= self._next_glance:
                self._glance(min(self._communities.values(), key=lambda each: each.glanced))
            else:
                self.stop.wait(LOOK_SECONDS)

    def look(self) -> None:
        """Takes in what started, changed or ended since the last look."""
        running: dict[str, tuple[Running, ...]] = {}
        for container in self.containers.look():
            running[container.host] = (*running.get(container.host, ()), container)
        known = {host: each.containers for host, each in self._communities.items()}
        for host, containers in running.items():
            if known.get(host) != containers:
                contracts = tuple(find_claim(self.host.repository, c).contract for c in containers)
                self._communities[host] = _Community(containers, contracts)
        for gone in known.keys() - running.keys():
            del self._communities[gone]
        if not known or known.keys() - running.keys():
            self.publication.withdraw_all_but(set(running))

    def _find_due(self) -> _Community | None:
        """The community that waits longest, new ones first."""
        now = time.monotonic()
        waiting = [each for each in self._communities.values() if each.due <= now]
        return min(waiting, key=lambda each: each.due) if waiting else None

    def _attest(self, community: _Community) -> None:
        begun, worked = time.monotonic(), time.process_time()
        try:
            issued = datetime.now(UTC)
            community.fingerprint = self._fingerprint(community)
            seen = tuple(measure(self.host, each) for each in community.containers)
            self.publication.publish(community.containers[0], seen, issued)
            community.due = begun + REPEAT_SECONDS
        except Vanished:
            community.due = begun + LOOK_SECONDS
        except Exception:  # the top of one community's job: the others go on
            traceback.print_exc(file=sys.stderr)
            community.due = begun + RETRY_SECONDS
        taken = (time.process_time() - worked) * MEASURE_SHARE
        community.not_before = time.monotonic() + taken

    def _glance(self, community: _Community) -> None:
        """Makes a community due at once when it looks different than when it was measured."""
        begun, worked = time.monotonic(), time.thread_time()
        try:
            if self._fingerprint(community) != community.fingerprint:
                community.due = min(community.due, max(begun, community.not_before))
        except (Vanished, OSError):
            community.due = min(community.due, begun + LOOK_SECONDS)
        community.glanced = time.monotonic()
        taken = (time.thread_time() - worked) * GLANCE_SHARE
        self._next_glance = community.glanced + max(taken, GLANCE_SECONDS / len(self._communities))

    def _fingerprint(self, community: _Community) -> tuple[bytes, ...]:
        pairs = zip(community.containers, community.contracts, strict=True)
        return tuple(glance(self.host, each, contract) for each, contract in pairs)
