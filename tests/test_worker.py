"""What the worker does again and again, and that it rests while an upgrade is not decided."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

from provisioner import worker
from provisioner.engine.machine.standby import begin_standby, end_standby, is_worker_ready
from provisioner.errors import Unavailable
from provisioner.worker import LOOK_SECONDS, _every, read_change
from tests.fakes import make_context
from tests.test_store import ask


def test_a_round_comes_before_its_time_when_there_is_news():
    ended, news, rounds = threading.Event(), [0], []
    thread = _every(3600.0, ended, "test", lambda: rounds.append(news[0]), lambda: news[0])
    wait_for(rounds, 1)
    news[0] = 7
    wait_for(rounds, 2)
    ended.set()
    thread.join(LOOK_SECONDS * 4)
    assert rounds == [0, 7], "and only once for each"


def wait_for(rounds, count):
    ends = time.monotonic() + 20
    while len(rounds) < count:
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_a_list_that_is_signed_again_is_news(tmp_path):
    assert read_change(tmp_path) == 0
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata" / "timestamp.json").write_text("{}")
    assert read_change(tmp_path) > 0


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
