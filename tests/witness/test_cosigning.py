"""`add-checkpoint` over HTTP: every answer of the specification, to an honest log and others."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provisioner.adapters.machine import SystemClock
from provisioner.core.tlog.checkpoint import open_checkpoint
from provisioner.core.tlog.cosignature import read_cosignature
from provisioner.core.tlog.note import Note, read_note, sign_note, write_note
from provisioner.core.tlog.submission import Submission, read_submission, write_submission
from provisioner.errors import WitnessMemoryBroken
from provisioner.witness.cosigning import Cosigner
from provisioner.witness.identity import Identity, load_key
from provisioner.witness.memory import LogMemory, list_conflicts
from tests.witness.logs import ORIGIN, SmallLog
from tests.witness.running import NAME, Running, cosigned, witness_here

LOG = SmallLog()
FORK = SmallLog(fork=3)


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Running]:
    with witness_here(tmp_path, LOG) as running:
        yield running


def assert_cosigned(witness: Running, log: SmallLog, old: int, size: int) -> int:
    """Its time."""
    answer = witness.add(log.submission(old, size))
    assert answer.status == 200, answer.body
    timestamp = read_cosignature(cosigned(log.checkpoint(size), answer.body), witness.key)
    assert timestamp is not None
    assert abs(timestamp - time.time()) < 10
    return timestamp


def assert_conflict(witness: Running, submission: bytes, size: int) -> None:
    answer = witness.add(submission)
    assert (answer.status, answer.body) == (409, f"{size}\n".encode())
    assert answer.header["content-type"] == "text/x.tlog.size"


def test_a_log_that_only_grows_is_cosigned(witness: Running) -> None:
    for old, size in ((0, 1), (1, 2), (2, 7), (7, 8), (8, 31)):
        assert_cosigned(witness, LOG, old, size)


def test_a_first_tree_of_any_size_and_an_empty_one(witness: Running) -> None:
    assert_cosigned(witness, LOG, 0, 0)
    assert_cosigned(witness, LOG, 0, 20)


def test_the_same_tree_again_gets_a_fresh_time(witness: Running) -> None:
    first = assert_cosigned(witness, LOG, 0, 5)
    while int(time.time()) == first:
        time.sleep(0.05)
    assert assert_cosigned(witness, LOG, 5, 5) > first


def test_the_old_size_must_be_what_is_held(witness: Running) -> None:
    assert_conflict(witness, LOG.submission(3, 5), 0)
    assert_cosigned(witness, LOG, 0, 5)
    assert_conflict(witness, LOG.submission(0, 7), 5)
    assert_conflict(witness, LOG.submission(3, 7), 5)
    assert_conflict(witness, LOG.submission(6, 7), 5)
    assert_conflict(witness, LOG.submission(2, 3), 5)
    assert_cosigned(witness, LOG, 5, 7)


def test_a_proof_that_does_not_lead_there(witness: Running) -> None:
    assert_cosigned(witness, LOG, 0, 5)
    good = LOG.prove(5, 9)
    wrong = [(), good[:-1], (*good, good[0]), good[::-1], FORK.prove(5, 9), (b"\0" * 32,) * 63]
    for proof in wrong:
        submission = write_submission(Submission(5, proof, LOG.checkpoint(9)))
        assert witness.add(submission).status == 422
    assert witness.add(FORK.submission(5, 9)).status == 422
    assert_cosigned(witness, LOG, 5, 9)


def test_an_old_size_of_nothing_has_no_proof(witness: Running) -> None:
    submission = Submission(0, LOG.prove(4, 9), LOG.checkpoint(9))
    assert witness.add(write_submission(submission)).status == 422


def test_a_shrinking_log_is_refused(witness: Running) -> None:
    assert_cosigned(witness, LOG, 0, 9)
    assert witness.add(LOG.submission(9, 5)).status == 400
    assert_conflict(witness, LOG.submission(4, 5), 9)


def test_an_unknown_log(witness: Running) -> None:
    assert witness.add(SmallLog("other.example").submission(0, 5)).status == 404
    assert witness.add(SmallLog("other.example", seed=9).submission(0, 5)).status == 404


def test_another_key_of_a_known_log(witness: Running) -> None:
    assert witness.add(SmallLog(seed=9).submission(0, 5)).status == 403
    text = LOG.text(5)
    stranger = sign_note(text, "stranger.example", SmallLog(seed=9).private)
    only_stranger = write_note(Note(text, (stranger,)))
    assert witness.add(write_submission(Submission(0, (), only_stranger))).status == 403
    (own,) = read_note(LOG.checkpoint(5)).signatures
    both = write_note(Note(text, (stranger, own)))
    assert witness.add(write_submission(Submission(0, (), both))).status == 200


def test_a_signature_that_is_not_valid(witness: Running) -> None:
    wrong = LOG.submission(0, 5).replace(LOG.text(5).encode(), LOG.text(6).encode())
    assert witness.add(wrong).status == 403
    (own,) = read_note(LOG.checkpoint(5)).signatures
    (other,) = read_note(LOG.checkpoint(6)).signatures
    raw = write_note(Note(LOG.text(5), (own, other)))
    assert witness.add(write_submission(Submission(0, (), raw))).status == 403


def test_what_the_witness_signed_is_not_a_logs_signature(tmp_path: Path) -> None:
    """A witness that was told to watch a log named like itself does not take its own word."""
    identity = Identity(NAME, load_key(tmp_path / "key.pem"))
    log = SmallLog(NAME)
    cosigner = Cosigner(tmp_path, identity, [log.key], SystemClock())
    line = identity.cosign(log.text(5), 1_700_000_000)
    note = log.text(5).encode() + b"\n" + line
    assert cosigner.add_checkpoint(write_submission(Submission(0, (), note))).status == 403


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: b"",
        lambda raw: raw[:-1],
        lambda raw: raw[:40],
        lambda raw: raw.replace(b"old 0", b"old 00"),
        lambda raw: raw.replace(b"old 0", b"old -1"),
        lambda raw: raw.replace(b"old 0", b"old 0 "),
        lambda raw: raw.replace(b"old 0", b"new 0"),
        lambda raw: raw.replace(b"old 0\n", b"old 0\r\n"),
        lambda raw: raw.replace(b"old 0\n", b"old 0\nAAAA\n"),
        lambda raw: raw.replace(b"old 0\n", b"old 0\n" + b"A" * 43 + b"=\n" * 64),
        lambda raw: raw.replace(b"\n5\n", b"\n05\n"),
        lambda raw: raw.replace("—".encode(), b"-"),
        lambda raw: raw + b"\xff",
        lambda raw: b"\0" * 1000,
    ],
)
def test_what_is_malformed_is_told_so(witness: Running, change: object) -> None:
    assert witness.add(change(LOG.submission(0, 5))).status == 400  # type: ignore[operator]
    assert_cosigned(witness, LOG, 0, 5)


def test_too_many_proof_lines(witness: Running) -> None:
    line = base64.b64encode(b"h" * 32) + b"\n"
    raw = b"old 1\n" + line * 64 + b"\n" + LOG.checkpoint(5)
    assert witness.add(raw).status == 400


def test_two_keys_of_one_log_are_one_log(tmp_path: Path) -> None:
    second = SmallLog(seed=2)
    with witness_here(tmp_path, LOG, second) as witness:
        assert_cosigned(witness, LOG, 0, 5)
        assert_cosigned(witness, second, 5, 8)


def test_two_logs_are_two_memories(tmp_path: Path) -> None:
    second = SmallLog("log.example/two", seed=2, fork=0)
    with witness_here(tmp_path, LOG, second) as witness:
        assert_cosigned(witness, LOG, 0, 5)
        assert_cosigned(witness, second, 0, 5)
        assert witness.ask("GET", "/equivocations").body == b'{"equivocations": []}'


# -- equivocation --------------------------------------------------------------------------------


def read_equivocations(witness: Running) -> list[dict[str, object]]:
    answer = witness.ask("GET", "/equivocations")
    assert answer.header["access-control-allow-origin"] == "*"
    return json.loads(answer.body)["equivocations"]


def assert_both_are_shown(witness: Running, size: int) -> None:
    (found,) = read_equivocations(witness)
    assert (found["origin"], found["size"]) == (ORIGIN, size)
    roots = [open_checkpoint(raw.encode(), LOG.key)[0] for raw in found["checkpoints"]]
    assert {each.size for each in roots} == {size}
    assert len({each.root for each in roots}) == 2


def test_two_trees_of_one_size_are_kept_and_published(witness: Running, tmp_path: Path) -> None:
    assert_cosigned(witness, LOG, 0, 5)
    assert read_equivocations(witness) == []
    assert_conflict(witness, FORK.submission(5, 5), 5)
    assert_both_are_shown(witness, 5)
    kept = sorted(path.read_bytes() for path in tmp_path.glob("equivocation/*/5/*"))
    assert kept == sorted([LOG.checkpoint(5), FORK.checkpoint(5)])
    assert_cosigned(witness, LOG, 5, 5)
    assert_cosigned(witness, LOG, 5, 8)


def test_a_tree_of_an_older_size_is_compared_too(witness: Running) -> None:
    for old, size in ((0, 5), (5, 8)):
        assert_cosigned(witness, LOG, old, size)
    assert_conflict(witness, FORK.submission(5, 5), 8)
    assert_both_are_shown(witness, 5)


def test_a_tree_that_was_refused_is_remembered(witness: Running) -> None:
    assert_cosigned(witness, LOG, 0, 5)
    assert witness.add(FORK.submission(5, 8)).status == 422
    assert_cosigned(witness, LOG, 5, 8)
    assert_both_are_shown(witness, 8)


def test_nobody_but_the_log_can_make_it_look_guilty(witness: Running) -> None:
    assert_cosigned(witness, LOG, 0, 5)
    forged = SmallLog(seed=9, fork=3)
    assert witness.add(forged.submission(5, 5)).status == 403
    raw = b"old 5\n\n" + forged.checkpoint(5) + LOG.checkpoint(5)
    assert witness.add(raw).status == 400
    assert read_equivocations(witness) == []


def test_other_extension_lines_are_no_other_tree(witness: Running) -> None:
    assert_cosigned(witness, LOG, 0, 5)
    assert witness.add(LOG.submission(5, 5, "more")).status == 200
    assert read_equivocations(witness) == []


def test_evidence_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioner.witness.memory.MOST_CONFLICTS", 3)
    with witness_here(tmp_path, LOG) as witness:
        assert_cosigned(witness, LOG, 0, 9)
        for fork in range(9):
            assert_conflict(witness, SmallLog(fork=fork).submission(9, 9), 9)
        for size in range(2, 9):
            witness.add(LOG.submission(0, size))
            witness.add(FORK.submission(0, size))
    assert sorted(each.size for each in list_conflicts(tmp_path)) == [4, 5, 9]
    assert [len(each.checkpoints) for each in list_conflicts(tmp_path)] == [2, 2, 2]


def test_only_so_many_trees_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioner.witness.memory.MOST_SEEN", 4)
    with witness_here(tmp_path, LOG) as witness:
        for size in range(9):
            assert_cosigned(witness, LOG, max(0, size - 1), size)
        witness.add(LOG.submission(0, 2))
    assert {path.name for path in tmp_path.glob("logs/*/seen/*")} == {"5", "6", "7", "8"}


# -- memory --------------------------------------------------------------------------------------


def test_a_broken_memory_signs_nothing(tmp_path: Path) -> None:
    with witness_here(tmp_path, LOG) as witness:
        assert_cosigned(witness, LOG, 0, 5)
        (latest,) = tmp_path.glob("logs/*/latest")
        good = latest.read_bytes()
        for broken in (b"", good[:50], SmallLog("other.example").checkpoint(3)):
            latest.write_bytes(broken)
            for submission in (LOG.submission(0, 7), LOG.submission(5, 7), LOG.submission(5, 5)):
                assert witness.add(submission).status == 503
        latest.write_bytes(good)
        assert_cosigned(witness, LOG, 5, 7)


def test_a_broken_memory_is_an_error_with_advice(tmp_path: Path) -> None:
    memory = LogMemory(tmp_path, ORIGIN)
    memory.record_latest(b"nonsense")
    with pytest.raises(WitnessMemoryBroken) as caught:
        memory.find_latest()
    assert ORIGIN in caught.value.explain()
    assert "latest" in caught.value.next_step()


def test_it_is_on_the_disk_before_it_is_signed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last file and its folder reach the disk, and then there is a signature."""
    done: list[str] = []
    sync, sign = os.fsync, Identity.cosign

    def note_sync(number: int) -> None:
        done.append(Path(os.readlink(f"/proc/self/fd/{number}")).name)  # noqa: PTH115
        sync(number)

    def note_sign(identity: Identity, text: str, timestamp: int) -> bytes:
        done.append("signed")
        return sign(identity, text, timestamp)

    cosigner = Cosigner(
        tmp_path, Identity(NAME, load_key(tmp_path / "key.pem")), [LOG.key], SystemClock()
    )
    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Identity, "cosign", note_sign)
    assert cosigner.add_checkpoint(LOG.submission(0, 5)).status == 200
    (home,) = tmp_path.glob("logs/*")
    assert [name[:8] for name in done[-3:]] == [".latest.", home.name[:8], "signed"]


def test_what_a_killed_writer_left_is_swept_away(tmp_path: Path) -> None:
    LogMemory(tmp_path, ORIGIN)
    (home,) = tmp_path.glob("logs/*")
    (home / ".latest.x.new").write_bytes(b"half")
    (home / "seen" / ".5.x.new").write_bytes(b"half")
    assert LogMemory(tmp_path, ORIGIN).find_latest() is None
    assert [path.name for path in home.rglob("*")] == ["seen"]


def test_it_all_holds_after_a_restart(tmp_path: Path) -> None:
    with witness_here(tmp_path, LOG) as witness:
        assert_cosigned(witness, LOG, 0, 5)
        witness.add(FORK.submission(5, 5))
        vkey = witness.vkey
    with witness_here(tmp_path, LOG) as witness:
        assert witness.vkey == vkey
        assert_conflict(witness, LOG.submission(0, 7), 5)
        assert_both_are_shown(witness, 5)
        assert_cosigned(witness, LOG, 5, 7)


# -- hostile bytes -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared_cosigner(tmp_path_factory: pytest.TempPathFactory) -> Cosigner:
    folder = tmp_path_factory.mktemp("witness")
    cosigner = Cosigner(
        folder, Identity(NAME, load_key(folder / "key.pem")), [LOG.key], SystemClock()
    )
    assert cosigner.add_checkpoint(LOG.submission(0, 5)).status == 200
    return cosigner


@given(raw=st.binary(max_size=400))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_foreign_bytes_are_malformed(raw: bytes, shared_cosigner: Cosigner) -> None:
    assert shared_cosigner.add_checkpoint(raw).status == 400


@given(data=st.data())
@settings(deadline=None)
def test_a_changed_submission_is_never_cosigned_as_something_else(
    data: st.DataObject, shared_cosigner: Cosigner
) -> None:
    """Bits are flipped, parts are cut out and doubled: only the honest tree is ever cosigned."""
    raw = bytearray(LOG.submission(5, 5))
    start = data.draw(st.integers(0, len(raw) - 1))
    end = data.draw(st.integers(start, min(len(raw), start + 40)))
    kind = data.draw(st.sampled_from(["flip", "cut", "double"]))
    if kind == "flip":
        raw[start] ^= 1 << data.draw(st.integers(0, 7))
    elif kind == "cut":
        del raw[start:end]
    else:
        raw[start:start] = raw[start:end]
    answer = shared_cosigner.add_checkpoint(bytes(raw))
    assert answer.status in (200, 400, 403, 404, 409, 422)
    if answer.status == 200:
        assert read_note(read_submission(bytes(raw)).checkpoint).text == LOG.text(5)
