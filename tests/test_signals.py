"""A signal ends a program wherever its main thread is, also while that holds a lock."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from provisioner.signals import when_asked
from provisioner.witness.witness import WitnessOptions, open_witness
from tests.web.serving import serving
from tests.witness.logs import SmallLog

ROOT = Path(__file__).parents[1]
BOTH = [signal.SIGTERM, signal.SIGINT]


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """This process keeps its own."""
    kept = {each: signal.getsignal(each) for each in BOTH}
    yield
    for each, handler in kept.items():
        signal.signal(each, handler)


class Touchy(threading.Event):
    """A signal arrives while the main thread is inside of `wait`, where it holds the lock."""

    def __init__(self, sign: signal.Signals) -> None:
        super().__init__()
        self.sign, self.held, self.is_stuck = sign, threading.Lock(), False

    def set(self) -> None:
        if self.held.acquire(timeout=3):
            self.held.release()
        else:
            self.is_stuck = True  # without the patience it would be so for good
        super().set()

    def wait(self, timeout: float | None = None) -> bool:
        with self.held:
            signal.raise_signal(self.sign)
        return super().wait(10 if timeout is None else timeout)


@pytest.mark.parametrize("sign", BOTH)
def test_nothing_waits_for_the_lock_that_the_main_thread_holds(sign: signal.Signals) -> None:
    stop = Touchy(sign)
    when_asked(stop.set)
    assert stop.wait()
    assert not stop.is_stuck


def test_asked_twice_it_ends_once() -> None:
    ends: list[int] = []
    when_asked(lambda: ends.append(1))
    for each in (*BOTH, *BOTH):
        signal.raise_signal(each)
    time.sleep(0.2)
    assert ends == [1]


def test_a_witness_ends_while_it_holds_a_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = WitnessOptions(
        tmp_path / "w", name="w.example", logs=(SmallLog().vkey,), listen="127.0.0.1:0"
    )
    with open_witness(options) as witness:
        stop = Touchy(signal.SIGTERM)
        object.__setattr__(witness, "_stop", stop)
        witness.run()
    assert stop.is_set()
    assert not stop.is_stuck


@contextmanager
def agent_process(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An attester of this machine that has nothing to look at."""
    command = [sys.executable, "-m", "provisioner.agent", "--proc", "/proc"]
    for name in ("containers", "evidence", "agent", "repository", "door"):
        (folder / name).mkdir()
        command += [f"--{name}", str(folder / name)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 20
        while not (folder / "door" / "http.sock").exists():
            assert process.poll() is None, "it did not start"
            assert time.monotonic() < deadline, "it opened no door"
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.communicate(timeout=10)


@pytest.mark.parametrize("sign", BOTH)
def test_an_agent_ends_without_a_word(tmp_path: Path, sign: signal.Signals) -> None:
    with agent_process(tmp_path) as process:
        process.send_signal(sign)
        assert process.communicate(timeout=10)[1] == b""
        assert process.returncode == 0


def test_the_pages_end_in_the_middle_of_a_request(tmp_path: Path) -> None:
    """Its `serving` terminates it, and waits."""
    with serving(tmp_path) as url:
        connection = HTTPConnection(url.removeprefix("http://"), timeout=10)
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
