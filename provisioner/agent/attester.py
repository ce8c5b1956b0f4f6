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
from provisioner.models.evidence import ContainerSeen

LOOK_SECONDS = 0.25
SETTLE_SECONDS = 1.0  # parts of the control plane start one after another, and are measured then
REPEAT_SECONDS = 200.0  # of 300 that evidence lives
RETRY_SECONDS = 5.0
# Glances may take a fiftieth of one processor's time, repeated measurements a tenth; glances at
# the control plane a two-hundredth beside that, so that communities are looked at as often.
GLANCE_SECONDS, GLANCE_SHARE, MEASURE_SHARE, OWN_GLANCE_SHARE = 1.0, 50.0, 10.0, 200.0


@dataclass
class _Community:
    """What the loop remembers of one community. Times are of the monotonic clock."""

    containers: tuple[Running, ...]
    contracts: tuple[Contract, ...]
    due: float = 0.0
    not_before: float = 0.0
    glanced: float = 0.0
    next_glance: float = 0.0
    fingerprint: tuple[bytes, ...] = ()

    @property
    def is_control_plane(self) -> bool:
        return self.containers[0].is_control_plane


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
            elif unseen := self._find_unseen():
                self._glance(unseen)
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
                due = self._plan_first(containers, self._communities.get(host))
                self._communities[host] = _Community(containers, contracts, due)
        for gone in known.keys() - running.keys():
            del self._communities[gone]
        if not known or known.keys() - running.keys():
            self.publication.withdraw_all_but(set(running))

    def _plan_first(self, containers: tuple[Running, ...], before: _Community | None) -> float:
        """When it is due: at once, but for the control plane, whose parts may all start first."""
        if not containers[0].is_control_plane:
            return 0.0
        if before and not before.fingerprint:  # one part that keeps starting must not put it off
            return before.due
        return time.monotonic() + SETTLE_SECONDS

    def _find_due(self) -> _Community | None:
        """The community that waits longest, new ones first; the control plane after them all."""
        now = time.monotonic()
        waiting = [each for each in self._communities.values() if each.due <= now]
        return min(waiting, key=lambda each: (each.is_control_plane, each.due)) if waiting else None

    def _find_unseen(self) -> _Community | None:
        """Whom to glance at now: who was not looked at for longest."""
        now = time.monotonic()
        if now < self._next_glance:
            return None
        ready = [each for each in self._communities.values() if each.next_glance <= now]
        return min(ready, key=lambda each: each.glanced) if ready else None

    def _attest(self, community: _Community) -> None:
        begun, worked = time.monotonic(), time.process_time()
        try:
            issued = datetime.now(UTC)
            community.fingerprint = self._fingerprint(community)
            seen = tuple(self._measure(each) for each in community.containers)
            self.publication.publish(community.containers[0], seen, issued)
            community.due = begun + REPEAT_SECONDS
        except Vanished:
            community.due = begun + LOOK_SECONDS
        except Exception:  # the top of one community's job: the others go on
            traceback.print_exc(file=sys.stderr)
            community.due = begun + RETRY_SECONDS
        taken = (time.process_time() - worked) * MEASURE_SHARE
        community.not_before = time.monotonic() + taken

    def _measure(self, container: Running) -> ContainerSeen:
        """One container. Communities that are due come before every part of the control plane."""
        if container.is_control_plane:
            self.look()
            while (due := self._find_due()) and not due.is_control_plane:
                self._attest(due)
        return measure(self.host, container)

    def _glance(self, community: _Community) -> None:
        """Makes a community due at once when it looks different than when it was measured."""
        begun, worked = time.monotonic(), time.thread_time()
        try:
            if self._fingerprint(community) != community.fingerprint:
                community.due = min(community.due, max(begun, community.not_before))
        except (Vanished, OSError):
            community.due = min(community.due, begun + LOOK_SECONDS)
        community.glanced = time.monotonic()
        taken = time.thread_time() - worked
        if community.is_control_plane:
            community.next_glance, taken = community.glanced + taken * OWN_GLANCE_SHARE, 0.0
        pause = max(taken * GLANCE_SHARE, GLANCE_SECONDS / len(self._communities))
        self._next_glance = community.glanced + pause

    def _fingerprint(self, community: _Community) -> tuple[bytes, ...]:
        pairs = zip(community.containers, community.contracts, strict=True)
        return tuple(glance(self.host, each, contract) for each, contract in pairs)
