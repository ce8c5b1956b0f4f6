"""Asks a log's witnesses for cosignatures (C2SP tlog-witness), side by side and within one time."""

from __future__ import annotations

import ipaddress
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from provisioner.adapters.timed_socket import TimedSocket, connect, connect_tls, is_local_name
from provisioner.core.tlog.atoms import read_decimal
from provisioner.core.tlog.checkpoint import read_checkpoint
from provisioner.core.tlog.cosignature import read_cosignature
from provisioner.core.tlog.note import (
    Note,
    NoteKey,
    NoteSignature,
    read_note,
    read_signatures,
)
from provisioner.core.tlog.policy import NONE, KnownWitness, Policy, is_satisfied
from provisioner.core.tlog.submission import Submission, write_submission
from provisioner.errors import Unavailable

LARGEST_ANSWER = 64 * 1024
GRACE_SECONDS = 0.25  # once there is a quorum, for those who are a little slower
MOST_SKEW_SECONDS = 300  # between a cosignature's time and ours
MOST_TRIES = 3
_OK, _CONFLICT = 200, 409

# (size of an older tree) → the hashes that prove it a prefix of the checkpoint's (RFC 6962 §2.1.2)
Prove = Callable[[int], tuple[bytes, ...]]


@dataclass(frozen=True)
class WitnessAnswer:
    """HTTP status and body of the answer to one submission."""

    status: int
    body: bytes


class Ask(Protocol):
    def __call__(self, url: str, submission: bytes, *, seconds: float) -> WitnessAnswer: ...


def ask_witness(
    url: str, submission: bytes, *, seconds: float, authorities: Path | None = None
) -> WitnessAnswer:
    """POST to `<url>/add-checkpoint`, over TLS unless the witness is on this machine.

    Raises Unavailable when there is no whole answer of at most 64 KiB within `seconds`.
    `authorities` is a PEM file of those who may certify it besides the system's own.
    """
    until = time.monotonic() + seconds
    connection = HTTPConnection("witness")
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme == "http" and _is_this_machine(host):
            sock = connect(host, parts.port or 80, until)
        elif parts.scheme == "https":
            trusted = str(authorities) if authorities else None
            sock = connect_tls(host, parts.port or 443, until, trusted)
        else:
            raise ValueError("a witness elsewhere is asked over https only")
        with sock:
            connection.sock = TimedSocket(sock, until)
            path = f"{parts.path.rstrip('/')}/add-checkpoint"
            headers = {"Host": parts.netloc, "Connection": "close"}
            connection.request("POST", path, submission, headers)
            response = connection.getresponse()
            body = response.read(LARGEST_ANSWER + 1)
            if len(body) > LARGEST_ANSWER or response.length:
                raise ValueError("the answer is too large or was cut short")
            return WitnessAnswer(response.status, body)
    except (OSError, ValueError, HTTPException) as error:
        raise Unavailable(f"{url}: {error}", part=url) from error


def gather_cosignatures(
    checkpoint: bytes,
    policy: Policy,
    prove: Prove,
    *,
    old_sizes: Mapping[str, int] | None = None,
    seconds: float = 5.0,
    ask: Ask = ask_witness,
    say: Callable[[str], None] = lambda sentence: None,
) -> dict[str, NoteSignature]:
    """Verified cosignatures of a signed checkpoint by the policy's names of the witnesses.

    All are asked at once. Returns when all have answered, shortly after there is a quorum, or
    after `seconds`: whether what came is enough is for the caller to judge. `old_sizes` are the
    trees that witnesses are thought to know; one that knows another says so and is asked again.
    `prove` is called by several threads. Raises ValueError for what is no checkpoint.
    """
    note = read_note(checkpoint)
    read_checkpoint(note.text)
    until = time.monotonic() + seconds
    answers: queue.SimpleQueue[tuple[str, NoteSignature | str]] = queue.SimpleQueue()
    asked = [witness for witness in policy.witnesses if witness.url]
    for witness in asked:
        question = _Question(witness, checkpoint, note, prove, ask, until)
        old_size = (old_sizes or {}).get(witness.name, 0)
        threading.Thread(
            target=lambda put, one, size: put((one.witness.name, one.answer(size))),
            args=(answers.put, question, old_size),
            daemon=True,
        ).start()
    return _collect(answers, len(asked), partial(_is_quorum, policy), until, say)


def _collect(
    answers: queue.SimpleQueue[tuple[str, NoteSignature | str]],
    count: int,
    is_quorum: Callable[[set[str]], bool],
    until: float,
    say: Callable[[str], None],
) -> dict[str, NoteSignature]:
    found: dict[str, NoteSignature] = {}
    for _ in range(count):
        try:
            name, answer = answers.get(timeout=max(0, until - time.monotonic()))
        except queue.Empty:
            break
        if isinstance(answer, str):
            say(f"The witness {name} did not cosign: {answer}.")
            continue
        found[name] = answer
        if is_quorum(set(found)):
            until = min(until, time.monotonic() + GRACE_SECONDS)
    return found


def _is_quorum(policy: Policy, names: set[str]) -> bool:
    """Without a quorum to reach, everybody is waited for."""
    return policy.quorum != NONE and is_satisfied(policy, names)


@dataclass(frozen=True)
class _Question:
    """One witness, asked until it cosigns or says no."""

    witness: KnownWitness
    checkpoint: bytes
    note: Note
    prove: Prove
    ask: Ask
    until: float

    def answer(self, old_size: int) -> NoteSignature | str:
        """The cosignature, or why there is none."""
        try:
            return self._insist(old_size)
        except Unavailable as error:
            return error.detail
        except Exception as error:  # the top of a thread: it ends as a refusal, never as a yes
            return str(error) or type(error).__name__

    def _insist(self, old_size: int) -> NoteSignature:
        size = read_checkpoint(self.note.text).size
        for _ in range(MOST_TRIES):
            submission = Submission(old_size, self.prove(old_size), self.checkpoint)
            seconds = max(0.001, self.until - time.monotonic())
            answer = self.ask(self.witness.url, write_submission(submission), seconds=seconds)
            if answer.status == _OK:
                return _find_cosignature(answer.body, self.note, self.witness.key)
            if answer.status != _CONFLICT:
                raise ValueError(f"it answered {answer.status}")
            told = read_decimal(answer.body.decode("ascii").removesuffix("\n"))
            if told == old_size or told > size:
                raise ValueError(f"it has seen another tree, of {told} entries")
            old_size = told
        raise ValueError("it changes its mind")


def _find_cosignature(body: bytes, note: Note, key: NoteKey) -> NoteSignature:
    """The witness's own line, verified, and signed about now. Raises ValueError."""
    lines = read_signatures(body.decode("utf-8"))
    own = [each for each in lines if (each.name, each.key_id) == (key.name, key.key_id)]
    if not own:
        raise ValueError("it signed with another key")
    timestamp = read_cosignature(Note(note.text, (own[0],)), key)
    if timestamp is None or abs(timestamp - time.time()) > MOST_SKEW_SECONDS:
        raise ValueError("its clock is wrong")
    return own[0]


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return is_local_name(host)
