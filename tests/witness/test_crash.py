"""A witness that is killed at any moment never cosigns two trees that do not belong together."""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
from collections.abc import Callable
from http.client import HTTPException
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from provisioner.adapters.machine import SystemClock
from provisioner.core.tlog.checkpoint import read_checkpoint
from provisioner.witness.cosigning import Cosigner
from provisioner.witness.identity import Identity, load_key
from provisioner.witness.memory import LogMemory
from tests.publishing.place import run_until_killed
from tests.witness.logs import ORIGIN, SmallLog
from tests.witness.running import NAME, witness_process

LOG = SmallLog()
FORK = SmallLog(fork=7)  # the same up to 7: both continue a tree of 5, and only one of them may


def open_cosigner(folder: Path) -> Cosigner:
    return Cosigner(folder, Identity(NAME, load_key(folder / "key.pem")), [LOG.key], SystemClock())


def cosign_and_tell(folder: Path, pipe: Connection) -> None:
    pipe.send(open_cosigner(folder).add_checkpoint(LOG.submission(5, 9)).status)


def is_cosigned_after_kill(
    folder: Path, point: int, act: Callable[[Path, Connection], None] = cosign_and_tell
) -> tuple[bool, bool]:
    """(whether the process was killed, whether it had answered with a cosignature)."""
    ours, theirs = get_context("fork").Pipe()
    was_killed = run_until_killed(lambda: act(folder, theirs), point)
    theirs.close()
    with contextlib.suppress(EOFError):
        return was_killed, ours.poll(0) and ours.recv() == 200
    return was_killed, False


@pytest.mark.parametrize("then", ["the other tree", "the same tree"])
def test_killed_at_every_change_of_a_file(tmp_path: Path, then: str) -> None:
    point, killed = 0, True
    states = set()
    while killed:
        point += 1
        folder = tmp_path / str(point)
        assert open_cosigner(folder).add_checkpoint(LOG.submission(0, 5)).status == 200
        killed, answered = is_cosigned_after_kill(folder, point)
        latest = LogMemory(folder, ORIGIN).find_latest()
        assert latest in (read_checkpoint(LOG.text(5)), read_checkpoint(LOG.text(9)))
        states.add((latest.size, answered))
        assert latest.size == 9 or not answered
        second = open_cosigner(folder)
        if then == "the other tree":
            status = second.add_checkpoint(FORK.submission(5, 9)).status
            assert status == (200 if latest.size == 5 else 409)
        else:
            assert second.add_checkpoint(LOG.submission(latest.size, 9)).status == 200
            assert second.add_checkpoint(FORK.submission(5, 9)).status == 409
    assert point >= 4
    assert states == {(5, False), (9, True)}


def test_a_witness_that_answers_before_it_writes_would_be_found(tmp_path: Path) -> None:
    def hasty(folder: Path, pipe: Connection) -> None:
        pipe.send(200)
        cosign_and_tell(folder, pipe)

    assert open_cosigner(tmp_path).add_checkpoint(LOG.submission(0, 5)).status == 200
    assert is_cosigned_after_kill(tmp_path, 1, hasty) == (True, True)
    latest = LogMemory(tmp_path, ORIGIN).find_latest()
    assert latest == read_checkpoint(LOG.text(5))


def test_killed_at_any_moment_of_a_real_request(tmp_path: Path) -> None:
    """The process itself, killed with SIGKILL while a checkpoint is on its way."""
    chance = random.Random(7)  # noqa: S311 - the same moments every time
    answers = []
    with witness_process(tmp_path, "--name", NAME, "--log", LOG.vkey) as witness:
        assert witness.add(LOG.submission(0, 5)).status == 200
    for _ in range(6):
        with witness_process(tmp_path) as witness:
            assert witness.process
            killer = threading.Timer(chance.uniform(0, 0.012), witness.process.kill)
            killer.start()
            with contextlib.suppress(OSError, HTTPException):
                answers.append(witness.add(LOG.submission(5, 9)).status)
            killer.join()
    with witness_process(tmp_path) as witness:
        latest = LogMemory(tmp_path, ORIGIN).find_latest()
        assert latest
        assert latest.size == 9 or 200 not in answers
        other = witness.add(FORK.submission(5, 9)).status
        assert other == (409 if latest.size == 9 else 200)


def test_many_at_once_are_one_after_the_other(tmp_path: Path) -> None:
    """Both branches are sent from many threads: only one of them ever gets a cosignature."""
    cosigner = open_cosigner(tmp_path)
    assert cosigner.add_checkpoint(LOG.submission(0, 5)).status == 200
    won: list[str] = []

    def send(name: str, submission: bytes) -> None:
        if cosigner.add_checkpoint(submission).status == 200:
            won.append(name)

    threads = [
        threading.Thread(target=send, args=(name, log.submission(5, 9)))
        for _ in range(8)
        for name, log in (("log", LOG), ("fork", FORK))
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(won) == 1


def test_two_processes_on_one_folder_do_not_both_win(tmp_path: Path) -> None:
    assert open_cosigner(tmp_path).add_checkpoint(LOG.submission(0, 5)).status == 200
    context = get_context("fork")
    start = time.monotonic() + 0.3

    def send(pipe: Connection, submission: bytes) -> None:
        cosigner = open_cosigner(tmp_path)
        time.sleep(max(0, start - time.monotonic()))
        pipe.send(cosigner.add_checkpoint(submission).status)
        os._exit(0)

    pipes = [context.Pipe() for _ in range(4)]
    children = [
        context.Process(target=send, args=(theirs, log.submission(5, 9)))
        for (_, theirs), log in zip(pipes, (LOG, FORK, LOG, FORK), strict=True)
    ]
    for each in children:
        each.start()
    statuses = [ours.recv() for ours, _ in pipes]
    for each in children:
        each.join()
    assert sorted(statuses) == [200, 409, 409, 409]
