"""Progress as server-sent events: only news, an end, and a limit to how many listen."""

from __future__ import annotations

import threading
import time

import pytest

from provisioner.engine.operations import run_operation
from tests.web.visitor import wish
from web.wizard import events


def listen(visitor, operation) -> str:
    return visitor.client.get(f"/making/{operation.id}/events").text


def test_the_stream_ends_with_the_way_on_once_it_is_over(visitor, context):
    operation = wish(visitor, context)
    run_operation(context, operation.id)
    assert listen(visitor, operation).endswith(f"event: over\ndata: /making/{operation.id}\n\n")


def test_only_news_is_sent(visitor, context, monkeypatch):
    monkeypatch.setattr(events, "STREAM_FOR", 1.0)
    operation = wish(visitor, context)
    began = time.monotonic()
    said = listen(visitor, operation)
    assert time.monotonic() - began < 5
    assert said.startswith("retry: 1000\n\n")
    assert said.count("event: progress") == 1
    assert len(said) < 1500
    assert "Getting started" in said


def test_news_arrive_while_somebody_listens(visitor, context, monkeypatch):
    monkeypatch.setattr(events, "STREAM_FOR", 20.0)
    operation = wish(visitor, context)
    threading.Timer(0.8, run_operation, (context, operation.id)).start()
    said = listen(visitor, operation)
    assert "event: progress" in said
    assert said.endswith(f"event: over\ndata: /making/{operation.id}\n\n")


def test_with_every_place_taken_the_browser_is_asked_to_come_back(visitor, context, app):
    operation = wish(visitor, context)
    places = app.extensions[events.STREAMS]
    for _ in range(events.MOST_STREAMS):
        assert places.acquire(blocking=False)
    began = time.monotonic()
    said = listen(visitor, operation)
    assert time.monotonic() - began < 2
    assert said.startswith("retry: 3000\n\nevent: progress\n")


@pytest.mark.parametrize("is_read", [True, False])
def test_a_place_is_given_back_however_the_stream_ends(visitor, context, app, monkeypatch, is_read):
    monkeypatch.setattr(events, "STREAM_FOR", 0.1)
    operation = wish(visitor, context)
    for _ in range(events.MOST_STREAMS + 2):
        answer = visitor.client.get(f"/making/{operation.id}/events", buffered=is_read)
        answer.close()
    assert app.extensions[events.STREAMS].acquire(blocking=False)
