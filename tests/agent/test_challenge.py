"""From the socket to the limits: who is answered, who is told to wait, who learns nothing."""

from __future__ import annotations

import json
import os
import socket
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from provisioner.agent.allowance import Allowance, Rate
from provisioner.agent.challenge import AT_ONCE, Answer, Challenges
from provisioner.agent.door import CALLERS, PATH, open_door
from provisioner.agent.processes import Vanished

NONCE = "n" * 32
QUESTION = json.dumps({"nonce": NONCE}).encode()
FULL = json.dumps({"nonce": NONCE, "full": True}).encode()
HOST = "smith.localhost"
PLENTY = Allowance(Rate(1000, 1), Rate(1000, 1))


@dataclass
class StandIn:
    """An attester with one community, whose measuring can be held up and made to fail."""

    error: Exception | None = None
    may_go_on: threading.Event = field(default_factory=threading.Event)
    asked: list[tuple[str, str, bool]] = field(default_factory=list)

    def knows(self, host: str) -> bool:
        return host == HOST

    def tell(self, host: str) -> bytes | None:
        return b"told before" if host == HOST else None

    def answer(self, host: str, nonce: str, *, is_full: bool) -> bytes:
        self.asked.append((host, nonce, is_full))
        assert self.may_go_on.wait(10)
        if self.error:
            raise self.error
        return b"evidence"


@pytest.fixture
def attester() -> StandIn:
    stand_in = StandIn()
    stand_in.may_go_on.set()
    return stand_in


def challenges(attester: StandIn, allowance: Allowance | None = None) -> Challenges:
    return Challenges(attester, allowance or Allowance())  # type: ignore[arg-type]


# -- the limits ---------------------------------------------------------------------------------


def test_a_question_is_handed_on_and_its_answer_back(attester: StandIn) -> None:
    asked = challenges(attester)
    assert asked.answer(HOST, QUESTION) == Answer(200, b"evidence")
    assert asked.answer(HOST, FULL).status == 429  # reading everything costs three
    assert challenges(attester).answer(HOST, FULL).status == 200
    assert attester.asked == [(HOST, NONCE, False), (HOST, NONCE, True)]


def test_what_is_asked_too_often_is_not_measured(attester: StandIn) -> None:
    asked = challenges(attester)
    answers = [asked.answer(HOST, QUESTION) for _ in range(5)]
    assert [each.status for each in answers] == [200, 200, 200, 429, 429]
    assert 1 <= answers[-1].retry_after <= 10
    assert json.loads(answers[-1].body)["explain"]
    assert len(attester.asked) == 3


def test_no_more_are_measured_at_once_than_two(attester: StandIn) -> None:
    attester.may_go_on.clear()
    asked = challenges(attester, PLENTY)
    with ThreadPoolExecutor(AT_ONCE) as callers:
        waiting = [callers.submit(asked.answer, HOST, QUESTION) for _ in range(AT_ONCE)]
        until = time.monotonic() + 5
        while len(attester.asked) < AT_ONCE and time.monotonic() < until:
            time.sleep(0.01)
        refused = asked.answer(HOST, QUESTION)
        attester.may_go_on.set()
        assert [each.result().status for each in waiting] == [200] * AT_ONCE
    assert (refused.status, refused.retry_after) == (429, 1)
    assert asked.answer(HOST, QUESTION).status == 200


@pytest.mark.parametrize("error", [Vanished("x"), ValueError("x")])
def test_a_place_is_free_again_after_a_failure(attester: StandIn, error: Exception) -> None:
    asked, attester.error = challenges(attester, PLENTY), error
    for _ in range(AT_ONCE + 1):
        if isinstance(error, Vanished):
            assert asked.answer(HOST, QUESTION).status == 503
        else:
            with pytest.raises(ValueError, match="x"):
                asked.answer(HOST, QUESTION)
    attester.error = None
    assert asked.answer(HOST, QUESTION).status == 200


@pytest.mark.parametrize("body", [QUESTION, FULL, b"", b"{", b"x" * 4000])
def test_an_unknown_host_is_answered_the_same_whatever_is_asked(
    attester: StandIn, body: bytes
) -> None:
    asked = challenges(attester)
    answers = {asked.answer("nobody.localhost", body) for _ in range(20)}
    assert len(answers) == 1
    assert answers.pop().status == 404
    assert asked.answer(HOST, QUESTION).status == 200


@pytest.mark.parametrize("body", [b"", b"{", b'{"nonce": "short"}', b'{"full": true}'])
def test_what_is_no_question_is_told_so_and_costs_nothing(attester: StandIn, body: bytes) -> None:
    asked = challenges(attester)
    for _ in range(20):
        answer = asked.answer(HOST, body)
        assert answer.status == 422
        assert json.loads(answer.body)["explain"].endswith(".")
    assert asked.answer(HOST, QUESTION).status == 200


# -- the door -----------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "http.sock"


def ask(place: Path, raw: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(10)
        line.connect(str(place))
        line.sendall(raw)
        answer = b""
        while more := line.recv(65536):
            answer += more
    return answer


def post(body: bytes, path: str = PATH, method: str = "POST", host: str = HOST) -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_it_answers_in_http(place: Path, attester: StandIn) -> None:
    with open_door(place, challenges(attester).answer):
        assert ask(place, post(QUESTION)) == (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n"
            b"Connection: close\r\n\r\nevidence"
        )
        ask(place, post(QUESTION))
        ask(place, post(QUESTION))
        refused = ask(place, post(QUESTION))
        assert b"\r\nRetry-After: 10\r\n" in refused
        assert status(refused) == 429


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (post(QUESTION, method="GET"), 405),
        (post(QUESTION, path="/"), 404),
        (post(QUESTION, path=PATH + "/"), 404),
        (post(QUESTION, path=PATH + "?x=y"), 200),
        (post(QUESTION, host="nobody.localhost"), 404),
        (post(QUESTION, host=f"{HOST}:8080"), 200),
        (post(b"x" * 4096), 413),
        (b"nonsense\r\n\r\n", 400),
    ],
)
def test_other_requests_are_refused_in_words(
    place: Path, attester: StandIn, raw: bytes, wanted: int
) -> None:
    with open_door(place, challenges(attester).answer):
        answer = ask(place, raw)
        assert status(answer) == wanted
        if wanted != 200:
            assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["explain"]
        assert status(ask(place, post(QUESTION))) == 200


def test_what_nobody_expected_ends_one_request_and_not_the_door(
    place: Path, attester: StandIn, capfd: pytest.CaptureFixture[str]
) -> None:
    attester.error = RuntimeError("secret detail")
    with open_door(place, challenges(attester).answer):
        answer = ask(place, post(QUESTION))
        assert status(answer) == 500
        assert b"secret" not in answer
        attester.error = None
        assert status(ask(place, post(QUESTION))) == 200
    assert "secret detail" in capfd.readouterr().err


def test_other_users_may_ask_and_a_dead_socket_is_replaced(place: Path, attester: StandIn) -> None:
    before = os.umask(0o077)
    try:
        for _ in range(2):
            with open_door(place, challenges(attester).answer):
                assert stat.S_IMODE(place.stat().st_mode) == 0o666
                assert status(ask(place, post(QUESTION))) == 200
            with pytest.raises(ConnectionRefusedError):
                ask(place, post(QUESTION))
    finally:
        os.umask(before)


def test_callers_who_say_nothing_cannot_hold_the_door(place: Path, attester: StandIn) -> None:
    """All places are taken: who comes then waits outside, and not for long."""
    with open_door(place, challenges(attester).answer):
        silent = [socket.socket(socket.AF_UNIX) for _ in range(CALLERS)]
        for line in silent:
            line.connect(str(place))
        begun = time.monotonic()
        assert status(ask(place, post(QUESTION))) == 200
        assert 1.0 < time.monotonic() - begun < 5.0
        for line in silent:
            line.settimeout(5)
            assert status(line.recv(4096)) == 408
            line.close()


def test_callers_who_leave_do_no_harm(place: Path, attester: StandIn) -> None:
    with open_door(place, challenges(attester, PLENTY).answer):
        for _ in range(3 * CALLERS):
            with socket.socket(socket.AF_UNIX) as line:
                line.connect(str(place))
                line.sendall(post(QUESTION))
        assert status(ask(place, post(b"{"))) == 422


def test_it_closes_while_somebody_is_being_answered(place: Path, attester: StandIn) -> None:
    attester.may_go_on.clear()
    with ThreadPoolExecutor(1) as callers:
        with open_door(place, challenges(attester).answer):
            waiting = callers.submit(ask, place, post(QUESTION))
            until = time.monotonic() + 5
            while not attester.asked and time.monotonic() < until:
                time.sleep(0.01)
            attester.may_go_on.set()
        assert status(waiting.result()) == 200
