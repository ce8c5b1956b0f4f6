"""The golden log: our code makes the bytes that an independent script made, and accepts them."""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from provisioner.core.tlog.checkpoint import Checkpoint, open_checkpoint, write_checkpoint
from provisioner.core.tlog.cosignature import cosign
from provisioner.core.tlog.entry import Entry, read_entry, write_entry
from provisioner.core.tlog.merkle import check_consistency, hash_leaf, root_of
from provisioner.core.tlog.note import Note, sign_note, write_note, write_vkey
from provisioner.core.tlog.policy import count_witnesses, is_satisfied, read_policy, write_policy
from provisioner.core.tlog.proof import Proof, check_proof, read_proof, write_proof
from provisioner.core.tlog.submission import Submission, read_submission, write_submission
from provisioner.core.tlog.tiles import TileReader, plan_tiles, write_entries
from tests.core.tlog.golden import (
    ALICE,
    ALICE_PRIVATE,
    BOB,
    BOB_PRIVATE,
    FOLDER,
    GOLDEN,
    LOG_KEY,
    LOG_PRIVATE,
    ORIGIN,
    TEXT,
)
from tests.vectors.tlog.make import INDEX, OLD, SIZE, TIME, line_of, make

LINES = [line_of(n) for n in range(SIZE)]
LEAVES = [hash_leaf(line) for line in LINES]
TILES = plan_tiles(0, SIZE, LEAVES)
READER = TileReader(SIZE, TILES.__getitem__)


def test_the_file_is_what_its_script_makes() -> None:
    assert make() == GOLDEN


def test_entries_tiles_and_roots() -> None:
    for text in GOLDEN["entries"]:
        assert write_entry(read_entry(text.encode())) == text.encode()
    assert read_entry(LINES[1]) == Entry("agent", "1.öffentlich", sha256(b"1").hexdigest())
    assert {path: sha256(tile).hexdigest() for path, tile in TILES.items()} == GOLDEN["tiles"]
    assert sha256(write_entries(LINES[:256])).hexdigest() == GOLDEN["bundle"]
    for size, root in GOLDEN["roots"].items():
        assert root_of(LEAVES[: int(size)]).hex() == root


def test_a_checkpoint_is_written_signed_and_witnessed() -> None:
    text = write_checkpoint(Checkpoint(ORIGIN, SIZE, READER.root()))
    assert text == TEXT
    note = Note(text, (sign_note(text, ORIGIN, LOG_PRIVATE),))
    assert write_note(note).decode() == GOLDEN["checkpoint"]
    alice = cosign(text, ALICE, ALICE_PRIVATE, TIME + 1)
    bob = cosign(text, BOB, BOB_PRIVATE, TIME + 2)
    assert write_note(Note(text, (*note.signatures, alice, bob))).decode() == GOLDEN["cosigned"]


def test_a_proof_is_written_and_holds() -> None:
    proof = Proof(INDEX, READER.inclusion(INDEX), GOLDEN["cosigned"].encode(), LINES[INDEX])
    assert write_proof(proof).decode() == GOLDEN["proof"]
    checkpoint, note = check_proof(read_proof(GOLDEN["proof"].encode()), LEAVES[INDEX], LOG_KEY)
    assert checkpoint == Checkpoint(ORIGIN, SIZE, READER.root())
    times = count_witnesses(note, read_policy(GOLDEN["policy"]))
    assert times == {"alice": TIME + 1, "bob": TIME + 2}
    assert is_satisfied(read_policy(GOLDEN["policy"]), set(times))


def test_a_submission_is_written_and_holds() -> None:
    raw = GOLDEN["submission"].encode()
    submission = Submission(OLD, READER.consistency(OLD), GOLDEN["checkpoint"].encode())
    assert write_submission(submission) == raw
    assert read_submission(raw) == submission
    checkpoint, _ = open_checkpoint(submission.checkpoint, LOG_KEY)
    old_root = bytes.fromhex(GOLDEN["roots"][str(OLD)])
    check_consistency(OLD, checkpoint.size, old_root, checkpoint.root, submission.proof)


def test_a_policy_is_written_back() -> None:
    assert write_policy(read_policy(GOLDEN["policy"])) == GOLDEN["policy"]


def test_what_a_public_log_and_its_witnesses_signed_is_accepted() -> None:
    policy = read_policy((FOLDER / "witness-policy.txt").read_text("utf-8"))
    raw = (FOLDER / "witnessed-checkpoint.txt").read_bytes()
    checkpoint, note = open_checkpoint(raw, policy.logs[0].key)
    assert checkpoint.size == 1_432_088_532
    assert count_witnesses(note, policy) == dict.fromkeys(
        ("garden", "smartit", "remora", "mole"), 1_779_573_024
    )
    assert write_note(note) == raw
    changed = raw.replace(b"1432088532", b"1432088533")
    with pytest.raises(ValueError, match="not valid"):
        open_checkpoint(changed, policy.logs[0].key)


def test_the_core_is_small_to_import() -> None:
    """A check has half a second for everything: no pydantic, no TUF."""
    names = sorted(
        path.stem for path in Path(root_of.__code__.co_filename).parent.glob("[a-z]*.py")
    )
    lines = [f"import provisioner.core.tlog.{name}" for name in names]
    lines += ["import sys", "print(*sys.modules)"]
    program = [sys.executable, "-c", "\n".join(lines)]
    loaded = subprocess.run(program, check=True, capture_output=True, text=True).stdout.split()
    assert "provisioner.core.tlog.tiles" in loaded
    heavy = {"pydantic", "sqlmodel", "sqlalchemy", "tuf", "securesystemslib", "requests", "asyncio"}
    assert not heavy.intersection(loaded)


def test_keys_are_the_scripts_own() -> None:
    assert write_vkey(LOG_KEY) == GOLDEN["vkeys"][ORIGIN]
