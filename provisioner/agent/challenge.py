"""Answers challenges: fresh evidence of one community for whoever asks, within limits."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field

from provisioner.agent.allowance import Allowance
from provisioner.agent.attester import Attester
from provisioner.agent.processes import Vanished
from provisioner.agent.question import Question, read_question

AT_ONCE = 2
_FULL_COST = 3  # reading every byte counts as three questions


@dataclass(frozen=True)
class Answer:
    """`retry_after` is in seconds; zero says nothing about it."""

    status: int
    body: bytes
    retry_after: int = 0


@dataclass
class Challenges:
    """What stands between the door and the attester. May be asked by many threads."""

    attester: Attester
    allowance: Allowance = field(default_factory=Allowance)
    _slots: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(AT_ONCE)
    )

    def answer(self, host: str, body: bytes) -> Answer:
        """An unknown host is answered the same, whatever was asked of it."""
        if not self.attester.knows(host):
            return nothing_here()
        try:
            question = read_question(body)
        except ValueError as error:
            return say(422, f"This is not a question that can be answered: {error}.")
        if not self._slots.acquire(blocking=False):
            return say(429, "Others are being answered just now. Ask again in a moment.", 1)
        try:
            return self._measure(host, question)
        finally:
            self._slots.release()

    def tell(self, host: str) -> Answer:
        """What was measured last, to be had without a question."""
        evidence = self.attester.tell(host)
        return Answer(200, evidence) if evidence else nothing_here()

    def _measure(self, host: str, question: Question) -> Answer:
        cost = _FULL_COST if question.full else 1
        wait = self.allowance.take(host, cost, time.monotonic())
        if wait:
            return say(429, "This was asked too often. Ask again later.", wait)
        try:
            evidence = self.attester.answer(host, question.nonce, is_full=question.full)
        except Vanished:
            return say(503, "It is just starting or ending. Ask again in a moment.", 1)
        return Answer(200, evidence)


def nothing_here() -> Answer:
    """The edge puts its own page in place of this."""
    return say(404, "There is nothing at this address.")


def say(status: int, sentence: str, retry_after: int = 0) -> Answer:
    return Answer(status, json.dumps({"explain": sentence}).encode("ascii"), retry_after)
