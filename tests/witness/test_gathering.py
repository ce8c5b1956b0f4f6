"""Asking several witnesses at once: honest ones, and ones that are down, slow, lying or behind."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from provisioner.adapters.witnesses import (
    WitnessAnswer,
    ask_witness,
    gather_cosignatures,
)
from provisioner.core.tlog.cosignature import add_cosignatures, cosign
from provisioner.core.tlog.note import COSIGNATURE_V1, NoteKey, read_note, write_signatures
from provisioner.core.tlog.policy import Policy, count_witnesses, is_satisfied, read_policy
from provisioner.core.tlog.submission import read_submission
from provisioner.errors import Unavailable
from tests.publishing.servers import (
    answer_with,
    break_off,
    endless,
    fail,
    hang_up,
    silence,
    trickle_body,
    trickle_head,
)
from tests.witness.certificates import write_loopback_certificate
from tests.witness.logs import SmallLog
from tests.witness.running import Running, witness_here, witness_process
from tests.witness.sites import Site, serving

LOG = SmallLog()
SIZE = 9
CHECKPOINT = LOG.checkpoint(SIZE)


def prove(old: int) -> tuple[bytes, ...]:
    return LOG.prove(old, SIZE)


def policy_of(threshold: int, *witnesses: tuple[str, str, str]) -> Policy:
    """(name, verifier key, URL) each."""
    lines = [f"log {LOG.vkey}", *(" ".join(("witness", *each)) for each in witnesses)]
    names = " ".join(name for name, _, _ in witnesses)
    return read_policy("\n".join([*lines, f"group all-of-them {threshold} {names}",
                                  "quorum all-of-them", ""]))  # fmt: skip


def known(name: str, witness: Running) -> tuple[str, str, str]:
    return name, witness.vkey, witness.url


def made_up(name: str, url: str) -> tuple[str, str, str]:
    """A witness with a key of its own that answers at this URL, if at all."""
    private = Ed25519PrivateKey.generate()
    key = NoteKey(name, COSIGNATURE_V1, private.public_key().public_bytes_raw())
    material = base64.b64encode(b"\x04" + key.public).decode()
    return name, f"{name}+{key.key_id.hex()}+{material}", url


@pytest.fixture
def honest(tmp_path: Path) -> Iterator[list[Running]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(witness_here(tmp_path / str(n), LOG)) for n in range(3)]


def test_all_answer_and_all_count(honest: list[Running]) -> None:
    policy = policy_of(3, *(known(f"w{n}", each) for n, each in enumerate(honest)))
    found = gather_cosignatures(CHECKPOINT, policy, prove)
    note = read_note(add_cosignatures(CHECKPOINT, found.values()))
    assert note.text == LOG.text(SIZE)
    times = count_witnesses(note, policy)
    assert set(times) == {"w0", "w1", "w2"}
    assert all(abs(each - time.time()) < 10 for each in times.values())
    assert note.signatures[:1] == read_note(CHECKPOINT).signatures


def test_one_that_knows_another_tree_is_asked_again_with_a_proof(honest: list[Running]) -> None:
    assert honest[0].add(LOG.submission(0, 4)).status == 200
    assert honest[1].add(LOG.submission(0, SIZE)).status == 200
    policy = policy_of(3, *(known(f"w{n}", each) for n, each in enumerate(honest)))
    proved = []

    def prove_and_tell(old: int) -> tuple[bytes, ...]:
        proved.append(old)
        return prove(old)

    found = gather_cosignatures(CHECKPOINT, policy, prove_and_tell, old_sizes={"w0": 4, "w2": 7})
    assert set(found) == {"w0", "w1", "w2"}
    assert sorted(proved) == [0, 0, 4, 7, SIZE]


def test_one_that_has_seen_another_branch_does_not_cosign(honest: list[Running]) -> None:
    fork = SmallLog(fork=3)
    assert honest[0].add(fork.submission(0, SIZE)).status == 200
    assert honest[1].add(fork.submission(0, SIZE - 1)).status == 200
    assert honest[2].add(LOG.submission(0, SIZE + 1)).status == 200
    policy = policy_of(1, *(known(f"w{n}", each) for n, each in enumerate(honest)))
    said: list[str] = []
    assert gather_cosignatures(CHECKPOINT, policy, prove, say=said.append) == {}
    assert len(said) == 3
    assert any("w0 did not cosign: it has seen another tree, of 9 entries" in s for s in said)
    assert any("w1 did not cosign: it answered 422" in s for s in said)
    assert any("w2 did not cosign: it has seen another tree, of 10 entries" in s for s in said)


# -- witnesses that are of no use ------------------------------------------------------------------


def say(body: bytes, status: str = "200 OK") -> Callable[[socket.socket], None]:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return lambda connection: connection.sendall(head + body)


def lie(connection: socket.socket) -> None:
    """A cosignature of somebody else, in the form of one."""
    line = cosign(LOG.text(SIZE), "w9.example", Ed25519PrivateKey.generate(), int(time.time()))
    say(write_signatures([line]).encode())(connection)


def nowhere() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_quorum_in_spite_of_one_down_one_dripping_and_one_lying(honest: list[Running]) -> None:
    with answer_with(trickle_head) as slow, answer_with(lie) as lying:
        policy = policy_of(
            3,
            made_up("down", nowhere()),
            made_up("slow", slow),
            made_up("lying", lying),
            *(known(f"w{n}", each) for n, each in enumerate(honest)),
        )
        begun = time.monotonic()
        found = gather_cosignatures(CHECKPOINT, policy, prove)
        assert time.monotonic() - begun < 2
    assert set(found) == {"w0", "w1", "w2"}
    assert is_satisfied(policy, set(found))


def test_two_of_three_is_enough_when_one_is_slow(honest: list[Running]) -> None:
    with answer_with(trickle_body) as slow:
        policy = policy_of(2, made_up("slow", slow), known("w0", honest[0]), known("w1", honest[1]))
        begun = time.monotonic()
        assert set(gather_cosignatures(CHECKPOINT, policy, prove)) == {"w0", "w1"}
        assert time.monotonic() - begun < 2


@pytest.mark.parametrize(
    "bad",
    [fail, hang_up, break_off, silence, trickle_head, trickle_body, endless, lie,
     say(b""), say(b"nonsense\n"), say(b"\xff\n"), say(b"0\n", "409 Conflict"),
     say(b"", "409 Conflict"), say(b"07\n", "409 Conflict"), say(b"10\n", "409 Conflict"),
     say(b"-1\n", "409 Conflict"), say("٣\n".encode(), "409 Conflict"),
     say(b"", "302 Found\r\nLocation: http://127.0.0.1/"), say(b"x" * 70_000)],
)  # fmt: skip
def test_no_bad_witness_holds_up_or_counts(
    bad: Callable[[socket.socket], None], honest: list[Running]
) -> None:
    """The other's cosignature is there, whatever this one does."""
    with answer_with(bad) as url:
        policy = policy_of(2, made_up("bad", url), known("w0", honest[0]))
        begun = time.monotonic()
        assert set(gather_cosignatures(CHECKPOINT, policy, prove, seconds=1.0)) == {"w0"}
        assert time.monotonic() - begun < 1.5


def answer_as(name: str, private: Ed25519PrivateKey, timestamp: int, text: str) -> WitnessAnswer:
    return WitnessAnswer(200, write_signatures([cosign(text, name, private, timestamp)]).encode())


def test_a_signature_of_the_right_key_over_something_else_is_no_cosignature() -> None:
    private = Ed25519PrivateKey.from_private_bytes(b"\x05" * 32)
    key = NoteKey("w", COSIGNATURE_V1, private.public_key().public_bytes_raw())
    material = base64.b64encode(b"\x04" + key.public).decode()
    policy = policy_of(1, ("w", f"w+{key.key_id.hex()}+{material}", "http://127.0.0.1"))
    now = int(time.time())

    def gather(name: str, timestamp: int, text: str) -> set[str]:
        return set(
            gather_cosignatures(
                CHECKPOINT,
                policy,
                prove,
                ask=lambda *_, **__: answer_as(name, private, timestamp, text),
            )
        )

    assert gather("w", now, LOG.text(SIZE)) == {"w"}
    assert gather("w", now, LOG.text(SIZE - 1)) == set()
    assert gather("w", now, LOG.text(SIZE, "extension")) == set()
    assert gather("v", now, LOG.text(SIZE)) == set()
    assert gather("w", now - 600, LOG.text(SIZE)) == set()
    assert gather("w", now + 600, LOG.text(SIZE)) == set()


@given(st.sampled_from([200, 409]), st.binary(max_size=200))
def test_foreign_answers_are_never_a_cosignature(status: int, body: bytes) -> None:
    policy = policy_of(1, made_up("w", "http://127.0.0.1"))
    asked = []

    def ask(url: str, submission: bytes, *, seconds: float) -> WitnessAnswer:
        asked.append(read_submission(submission).old_size)
        return WitnessAnswer(status, body)

    assert gather_cosignatures(CHECKPOINT, policy, prove, ask=ask) == {}
    assert 1 <= len(asked) <= 3


def test_a_witness_that_changes_its_mind_forever_is_left(tmp_path: Path) -> None:
    sizes = iter(range(1, 100))
    policy = policy_of(1, made_up("w", "http://127.0.0.1"))
    said: list[str] = []
    found = gather_cosignatures(
        CHECKPOINT,
        policy,
        prove,
        ask=lambda *_, **__: WitnessAnswer(409, f"{next(sizes)}\n".encode()),
        say=said.append,
    )
    assert (found, next(sizes)) == ({}, 4)
    assert said == ["The witness w did not cosign: it changes its mind."]


def test_a_proof_that_fails_is_a_refusal_and_not_a_crash(honest: list[Running]) -> None:
    def broken(old: int) -> tuple[bytes, ...]:
        raise LookupError("a tile is missing")

    said: list[str] = []
    policy = policy_of(1, known("w0", honest[0]))
    assert gather_cosignatures(CHECKPOINT, policy, broken, say=said.append) == {}
    assert "a tile is missing" in said[0]


def test_a_policy_without_a_quorum_waits_for_everybody(honest: list[Running]) -> None:
    lines = [f"witness w{n} {each.vkey} {each.url}" for n, each in enumerate(honest)]
    nobody = made_up("nobody", "")
    lines.append(" ".join(("witness", *nobody)))
    policy = read_policy("\n".join([*lines, "quorum none", ""]))
    assert set(gather_cosignatures(CHECKPOINT, policy, prove)) == {"w0", "w1", "w2"}
    assert gather_cosignatures(CHECKPOINT, read_policy("quorum none\n"), prove) == {}


def test_what_is_no_checkpoint_is_not_sent() -> None:
    with pytest.raises(ValueError, match=r"."):
        gather_cosignatures(b"nonsense", read_policy("quorum none\n"), prove)


# -- asking one ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["http://192.0.2.1", "http://witness.example", "ftp://localhost", "localhost:80", "", "http://",
     "http://127.0.0.1.example", "https://", "http://127.0.0.1:x", "http://[::1"],
)  # fmt: skip
def test_plain_http_leads_to_this_machine_only(url: str) -> None:
    begun = time.monotonic()
    with pytest.raises(Unavailable):
        ask_witness(url, b"", seconds=2)
    assert time.monotonic() - begun < 1


def test_a_prefix_of_the_url_is_kept_and_the_answer_is_as_it_came() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    asked = []

    def run() -> None:
        connection, _ = server.accept()
        with connection:
            asked.append(connection.recv(65536))
            while not asked[0].endswith(b"old 0\n"):
                asked[0] += connection.recv(65536)
            say(b"5\n", "409 Conflict")(connection)

    threading.Thread(target=run, daemon=True).start()
    with server:
        url = f"http://localhost:{server.getsockname()[1]}/witness/"
        assert ask_witness(url, b"old 0\n", seconds=2) == WitnessAnswer(409, b"5\n")
    assert asked[0].startswith(b"POST /witness/add-checkpoint HTTP/1.1\r\n")


def test_over_tls_the_certificate_is_checked(tmp_path: Path) -> None:
    certificate, _ = write_loopback_certificate(tmp_path)
    with serving(Site(), certificate) as address:
        url = f"https://{address}"
        assert ask_witness(url, b"", seconds=2, authorities=certificate).status == 501
        with pytest.raises(Unavailable, match="certificate verify failed"):
            ask_witness(url, b"", seconds=2)
        other = url.replace("127.0.0.1", "localhost")
        with pytest.raises(Unavailable, match="certificate verify failed"):
            ask_witness(other, b"", seconds=2, authorities=certificate)


def test_three_real_processes_are_a_quorum_in_time(tmp_path: Path) -> None:
    """Printed for people: from the submission until three local witnesses have cosigned."""
    with contextlib.ExitStack() as stack:
        running = [
            stack.enter_context(
                witness_process(tmp_path / str(n), "--name", f"w{n}.example", "--log", LOG.vkey)
            )
            for n in range(3)
        ]
        policy = policy_of(3, *(known(f"w{n}", each) for n, each in enumerate(running)))
        times = []
        for size in range(1, 21):
            begun = time.monotonic()
            found = gather_cosignatures(
                LOG.checkpoint(size),
                policy,
                lambda old, size=size: LOG.prove(old, size),
                old_sizes=dict.fromkeys(("w0", "w1", "w2"), size - 1),
            )
            times.append(time.monotonic() - begun)
            assert set(found) == {"w0", "w1", "w2"}
        times.sort()
        print(f"\nquorum of three: median {times[10]:.4f} s, slowest {times[-1]:.4f} s")
        assert times[10] < 2
