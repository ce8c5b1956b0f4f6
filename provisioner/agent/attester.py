"""The attester's loop: notice what runs, measure it, publish evidence before the last expires."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from provisioner.agent.community import Community, take_in
from provisioner.agent.containers import Containers, Running
from provisioner.agent.host import Host
from provisioner.agent.processes import Vanished
from provisioner.agent.publication import Publication
from provisioner.agent.rotate import (
    Signers,
    advance_rotation,
    confirm_rotation,
    is_requested,
)
from provisioner.agent.waiting import leave_out_waiting
from provisioner.models.evidence import ContainerSeen

LOOK_SECONDS = 0.25
SETTLE_SECONDS = 1.0  # parts of the control plane start one after another, and are measured then
REPEAT_SECONDS = 200.0  # of 300 that evidence lives
RETRY_SECONDS = 5.0
# Glances may take a fiftieth of one processor's time, repeated measurements a tenth; glances at
# the control plane a two-hundredth beside that, so that communities are looked at as often.
GLANCE_SECONDS, GLANCE_SHARE, MEASURE_SHARE, OWN_GLANCE_SHARE = 1.0, 50.0, 10.0, 200.0


@dataclass
class Attester:
    """Runs until `stop` is set. `answer` may be called by other threads meanwhile."""

    containers: Containers
    host: Host
    publication: Publication
    keys: Path
    stop: threading.Event
    _communities: dict[str, Community] = field(default_factory=dict)
    _looking: threading.Lock = field(default_factory=threading.Lock)
    _next_glance: float = 0.0
    _next_rotation: float = 0.0

    def run(self) -> None:
        while not self.stop.is_set():
            self.look()
            self._rotate()
            due = self._find_due()
            if due:
                self._attest(due)
            elif unseen := self._find_unseen():
                self._glance(unseen)
            else:
                self.stop.wait(LOOK_SECONDS)

    def look(self) -> None:
        """Takes in what started, changed or ended since the last look, and who came in."""
        with self._looking:
            running: dict[str, tuple[Running, ...]] = {}
            for container in leave_out_waiting(self.host.proc, self.containers.look()):
                running[container.host] = (*running.get(container.host, ()), container)
            known = self._communities
            # A new dictionary each time: other threads read the one that they have.
            self._communities = {
                host: self._take_in(containers, known.get(host))
                for host, containers in running.items()
            }
            if not known or known.keys() - running.keys():
                self.publication.withdraw_all_but(set(running))

    def knows(self, host: str) -> bool:
        """Whether a community with this host name ran here at the last look."""
        return host in self._communities

    def tell(self, host: str) -> bytes | None:
        """The report of that community which is there for everybody, or None."""
        return self.publication.read(host) if self.knows(host) else None

    def answer(self, host: str, nonce: str, *, is_full: bool) -> bytes:
        """Evidence of that community, measured from now on. Raises Vanished when it is gone."""
        community = self._communities.get(host)
        if not community:
            raise Vanished(host)
        with community.lock:
            self.look()
            if self._communities.get(host) is not community:
                raise Vanished(host)
            issued = datetime.now(UTC)
            seen = community.measure(self.host, issued, is_full=is_full)
        return self.publication.answer(community.containers, seen, issued, nonce)

    def _take_in(self, containers: tuple[Running, ...], before: Community | None) -> Community:
        if not before or before.containers != containers:
            community = take_in(self.host, containers, before)
            community.due = self._plan_first(community, before)
            return community
        with suppress(Vanished, OSError):
            if before.meet(self.host):
                before.due = min(before.due, before.not_before)
        return before

    def _plan_first(self, community: Community, before: Community | None) -> float:
        """When it is due: at once, but for the control plane, whose parts may all start first."""
        if not community.is_control_plane:
            return 0.0
        if before and not before.fingerprint:  # one part that keeps starting must not put it off
            return before.due
        return time.monotonic() + SETTLE_SECONDS

    def _rotate(self) -> None:
        """Takes a new key when that was asked for, and leaves the old one once it is published."""
        if time.monotonic() < self._next_rotation:
            return
        try:
            self._advance_rotation()
        except Exception:  # the top of this job: measuring goes on, with the key that there is
            traceback.print_exc(file=sys.stderr)
            self._next_rotation = time.monotonic() + RETRY_SECONDS

    def _advance_rotation(self) -> None:
        now, before = datetime.now(UTC), self.publication
        signers = Signers(before.signer, before.waiting)
        after = advance_rotation(self.keys, signers, now, before.lists)
        if not after.is_same(signers):
            self.publication = replace(before, signer=after.current, waiting=after.waiting)
            if after.current.public != before.signer.public:
                for community in self._communities.values():
                    community.due = 0.0
        if is_requested(self.keys):
            self.publication.countersign()
            confirm_rotation(self.keys)

    def _find_due(self) -> Community | None:
        """The community that waits longest, new ones first; the control plane after them all."""
        now = time.monotonic()
        waiting = [each for each in self._communities.values() if each.due <= now]
        return min(waiting, key=lambda each: (each.is_control_plane, each.due)) if waiting else None

    def _find_unseen(self) -> Community | None:
        """Whom to glance at now: who was not looked at for longest."""
        now = time.monotonic()
        if now < self._next_glance:
            return None
        ready = [each for each in self._communities.values() if each.next_glance <= now]
        return min(ready, key=lambda each: each.glanced) if ready else None

    def _attest(self, community: Community) -> None:
        begun, worked = time.monotonic(), time.process_time()
        try:
            with community.lock:
                issued = datetime.now(UTC)
                community.fingerprint = community.glance(self.host)
                give_way = self._give_way if community.is_control_plane else None
                seen = community.measure(self.host, issued, give_way=give_way)
            self._publish(community, seen, issued)
            community.due = begun + REPEAT_SECONDS
        except Vanished:
            community.due = begun + LOOK_SECONDS
        except Exception:  # the top of one community's job: the others go on
            traceback.print_exc(file=sys.stderr)
            community.due = begun + RETRY_SECONDS
        taken = (time.process_time() - worked) * MEASURE_SHARE
        community.not_before = time.monotonic() + taken

    def _give_way(self) -> None:
        """Communities that are due come before every part of the control plane."""
        self.look()
        while (due := self._find_due()) and not due.is_control_plane:
            self._attest(due)

    def _publish(
        self, community: Community, seen: tuple[ContainerSeen, ...], issued: datetime
    ) -> None:
        """Unless another thread has found meanwhile that this no longer runs."""
        with self._looking:
            if community in self._communities.values():
                self.publication.publish(community.containers, seen, issued)

    def _glance(self, community: Community) -> None:
        """Makes a community due at once when it looks different than when it was measured."""
        begun, worked = time.monotonic(), time.thread_time()
        try:
            if community.glance(self.host) != community.fingerprint:
                community.due = min(community.due, max(begun, community.not_before))
        except (Vanished, OSError):
            community.due = min(community.due, begun + LOOK_SECONDS)
        community.glanced = time.monotonic()
        taken = time.thread_time() - worked
        if community.is_control_plane:
            community.next_glance, taken = community.glanced + taken * OWN_GLANCE_SHARE, 0.0
        pause = max(taken * GLANCE_SHARE, GLANCE_SECONDS / len(self._communities))
        self._next_glance = community.glanced + pause
