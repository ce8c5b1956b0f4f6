"""What the worker does again and again: on time, and before its time when there is news."""

from __future__ import annotations

import threading
import time

from provisioner.worker import LOOK_SECONDS, _every, read_change


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
