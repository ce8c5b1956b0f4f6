"""What a new control plane has to show before anybody is let in: read only, and from outside."""

from __future__ import annotations

from provisioner.core.own_upgrade import Journal, judge_rows, judge_verdict
from provisioner.engine.context import Context
from provisioner.engine.own_verdict import await_own_verdict
from provisioner.engine.parts import ask, await_that, is_healthy
from provisioner.engine.standby import SLOT, is_worker_ready
from provisioner.engine.status import read_status
from provisioner.errors import TookTooLong
from provisioner.models.lineup import Lineup

AWAKE_WITHIN = 20.0  # seconds: people are held for 30, and the way back needs some of them
STEADY_SECONDS = 1.0
PAGES = {"/": 200, "/api/v1/status": 401}  # the API's door is there, and shut for strangers


class Unproved(Exception):
    """What spoke against it, as a sentence."""


def prove(context: Context, journal: Journal) -> None:
    """Raises Unproved or TookTooLong."""
    settings, new = context.settings, journal.new
    await_that("Starting all parts", lambda: _all_run(context, new), AWAKE_WITHIN)
    await_that("Waking the worker", lambda: is_worker_ready(settings), AWAKE_WITHIN)
    await_that("Waking the web", lambda: is_healthy(context, door=SLOT), AWAKE_WITHIN)
    for path, wanted in PAGES.items():
        if (status := ask(context, path, door=SLOT)) != wanted:
            raise Unproved(f"The page {path} answered {status} instead of {wanted}.")
    _refuse_other_database(context, journal)
    if said := judge_verdict(journal, await_own_verdict(context).outcome):
        raise Unproved(said)
    _refuse_restless(context, new)


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


def _all_run(context: Context, lineup: Lineup) -> bool:
    found = (context.engine.find_task(part.name) for part in lineup.parts)
    return all(task is not None and task.state == "running" for task in found)


def _refuse_restless(context: Context, lineup: Lineup) -> None:
    """A part that ends and is started again runs at many moments."""
    before = _list_containers(context, lineup)
    context.clock.sleep(STEADY_SECONDS)
    if not _all_run(context, lineup) or _list_containers(context, lineup) != before:
        raise TookTooLong(what="One of the parts kept ending. Starting it", seconds=STEADY_SECONDS)


def _list_containers(context: Context, lineup: Lineup) -> list[str]:
    tasks = (context.engine.find_task(part.name) for part in lineup.parts)
    return [task.container_id if task else "" for task in tasks]
