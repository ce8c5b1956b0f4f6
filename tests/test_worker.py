"""While an upgrade of the control plane is not decided, the worker stands by."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from provisioner import worker
from provisioner.engine.standby import begin_standby, end_standby, is_worker_ready
from provisioner.errors import Unavailable
from tests.fakes import make_context
from tests.test_store import ask


def make_standing_by(folder):
    context = make_context(folder)
    for path in (context.settings.db_dir, context.settings.web_dir):
        path.mkdir(parents=True, exist_ok=True)
    begin_standby(context.settings)
    return context


def test_it_carries_nothing_meanwhile_and_goes_on_afterwards(tmp_path):
    context = make_standing_by(tmp_path)
    operation = ask(context.store)[1]
    worker._carry(context, operation.id)
    assert context.store.list_steps(operation.id) == []
    assert context.store.list_stranded(datetime.now(UTC)) == [operation.id]
    end_standby(context.settings)
    worker._carry(context, operation.id)
    assert context.store.list_steps(operation.id) != []


def test_it_says_that_it_is_ready_once_it_reaches_everything(tmp_path, monkeypatch):
    context, ended, tries = make_standing_by(tmp_path), threading.Event(), []

    def reach(_):
        tries.append(len(tries))
        if len(tries) == 1:
            raise Unavailable("away", part="the queue")
        if len(tries) == 3:
            end_standby(context.settings)

    monkeypatch.setattr(worker, "reach_queue", reach)
    monkeypatch.setattr(worker, "STANDBY_SECONDS", 0.01)
    seen = []
    monkeypatch.setattr(
        worker, "report_ready", lambda settings, told: seen.append((len(tries), told))
    )
    worker._stand_by(context, ended)
    assert seen == [(2, {"open": 0, "nodes": 1}), (3, {"open": 0, "nodes": 1})]
    assert not is_worker_ready(context.settings)
    context.store.close()
