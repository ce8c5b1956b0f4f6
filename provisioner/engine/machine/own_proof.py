"""What a new control plane has to show before anybody is let in: read only, and from outside."""

from __future__ import annotations

import time

from provisioner.core.own_upgrade import Journal, judge_rows, judge_verdict
from provisioner.engine.context import Context
from provisioner.engine.machine.own_verdict import record_own_verdict
from provisioner.engine.machine.parts import ask, is_healthy
from provisioner.engine.machine.standby import SLOT, is_worker_ready
from provisioner.engine.machine.status import read_status
from provisioner.errors import Unavailable
from provisioner.models.lineup import Lineup

AWAKE_WITHIN, JUDGED_WITHIN = 60.0, 30.0  # seconds, also on a machine that is very busy
STEADY_SECONDS, PAUSE = 1.0, 0.1
STARTS = 3  # of one part: the one before, the new one, and one that it may need more
PAGES = {"/": 200, "/api/v1/status": 401}  # the API's door is there, and shut for strangers


class Unproved(Exception):
    """What spoke against it, as a sentence."""


def prove(context: Context, journal: Journal) -> None:
    """Raises Unproved.

    People are held for 30 seconds, so what keeps ending is noticed at once. Only what runs and
    says nothing is waited for as long as it may take on a slow machine.
    """
    watch = _Watch(context, journal.new)
    watch.await_awake()
    began = watch.list_containers()
    for path, wanted in PAGES.items():
        if (status := ask(context, path, door=SLOT)) != wanted:
            raise Unproved(f"The page {path} answered {status} instead of {wanted}.")
    _refuse_other_database(context, journal)
    since = time.monotonic()
    _await_verdict(context, journal)
    context.clock.sleep(max(0.0, STEADY_SECONDS - (time.monotonic() - since)))
    if watch.find_missing() or watch.list_containers() != began:
        raise Unproved("One of the parts kept ending.")


class _Watch:
    """Sees each part start, and start again."""

    def __init__(self, context: Context, lineup: Lineup) -> None:
        self._context, self._lineup = context, lineup
        self._seen: dict[str, set[str]] = {part.name: set() for part in lineup.parts}

    def await_awake(self) -> None:
        """Raises Unproved."""
        ends = time.monotonic() + AWAKE_WITHIN
        while missing := self.find_missing():
            if time.monotonic() > ends:
                raise Unproved(f"{missing} did not wake up in {AWAKE_WITHIN:.0f} seconds.")
            self._refuse_restless()
            time.sleep(PAUSE)

    def find_missing(self) -> str:
        """The first part that does not do its work, or ""."""
        for part in self._lineup.parts:
            task = self._context.engine.find_task(part.name)
            if task is None or task.state != "running":
                return part.name
        if not is_worker_ready(self._context.settings):
            return self._lineup.get_part("worker").name
        if not is_healthy(self._context, door=SLOT):
            return self._lineup.get_part("web").name
        return ""

    def list_containers(self) -> list[str]:
        tasks = (self._context.engine.find_task(part.name) for part in self._lineup.parts)
        return [task.container_id if task else "" for task in tasks]

    def _refuse_restless(self) -> None:
        for part, container in zip(self._lineup.parts, self.list_containers(), strict=True):
            self._seen[part.name] |= {container} - {""}
            if len(self._seen[part.name]) > STARTS:
                raise Unproved(f"{part.name} ended again and again.")


def _refuse_other_database(context: Context, journal: Journal) -> None:
    store = context.store
    store.refuse_damage()
    if (found := store.find_revision()) != journal.new.revision:
        raise Unproved(f"The database has the form {found} instead of {journal.new.revision}.")
    if said := judge_rows(journal.rows, store.count_rows()):
        raise Unproved(said)
    if not journal.is_back:  # this version's own queries; an earlier one has others
        read_status(context)
        store.list_communities(limit=1)


def _await_verdict(context: Context, journal: Journal) -> None:
    """The report of what was just started takes a moment to come. Raises Unproved."""
    ends = time.monotonic() + JUDGED_WITHIN
    while True:
        try:
            verdict = record_own_verdict(context)
            said = judge_verdict(journal, verdict.outcome, verdict.release)
        except Unavailable as error:
            said = error.explain()
        if not said:
            return
        if time.monotonic() > ends:
            raise Unproved(said)
        time.sleep(PAUSE)
