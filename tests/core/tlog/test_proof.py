"""Proof files and submissions: their form, and that they hold only for what they were made for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.tlog.merkle import hash_leaf
from provisioner.core.tlog.note import NoteKey
from provisioner.core.tlog.proof import Proof, check_proof, read_proof, write_proof
from provisioner.core.tlog.submission import Submission, read_submission, write_submission
from tests.core.tlog.golden import BOB_KEY, GOLDEN, LOG_KEY, ORIGIN
from tests.vectors.tlog.make import INDEX, line_of

CHECKPOINT = GOLDEN["cosigned"].encode()
PROOF = read_proof(GOLDEN["proof"].encode())
LEAF = hash_leaf(line_of(INDEX))
HEAD = "c2sp.org/tlog-proof@v1\n"
HASHES = st.lists(st.binary(min_size=32, max_size=32), max_size=63).map(tuple)

# The example of tlog-witness; its keys were never published.
SOFA = """old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
""".encode()  # noqa: E501


@given(st.integers(0, 2**63 - 1), HASHES, st.none() | st.binary(min_size=1, max_size=99))
def test_what_is_written_is_read(
    index: int, hashes: tuple[bytes, ...], extra: bytes | None
) -> None:
    proof = Proof(index, hashes, CHECKPOINT, extra)
    assert read_proof(write_proof(proof)) == proof
    submission = Submission(index, hashes, CHECKPOINT)
    assert read_submission(write_submission(submission)) == submission


def test_the_shortest_proof_is_of_the_only_leaf() -> None:
    raw = f"{HEAD}index 0\n\n".encode() + CHECKPOINT
    assert read_proof(raw) == Proof(0, (), CHECKPOINT)


def test_a_proof_holds_for_its_leaf_and_its_log_only() -> None:
    checkpoint, note = check_proof(PROOF, LEAF, LOG_KEY)
    assert (checkpoint.size, note.text.split("\n")[0]) == (300, ORIGIN)
    for proof, leaf, key in (
        (PROOF, hash_leaf(b"other"), LOG_KEY),
        (replace(PROOF, index=254), LEAF, LOG_KEY),
        (replace(PROOF, index=300), LEAF, LOG_KEY),
        (replace(PROOF, hashes=PROOF.hashes[:-1]), LEAF, LOG_KEY),
        (replace(PROOF, hashes=(*PROOF.hashes, bytes(32))), LEAF, LOG_KEY),
        (replace(PROOF, hashes=tuple(reversed(PROOF.hashes))), LEAF, LOG_KEY),
        (replace(PROOF, checkpoint=CHECKPOINT.replace(b"300", b"301")), LEAF, LOG_KEY),
        (PROOF, LEAF, NoteKey(ORIGIN, 1, BOB_KEY.public)),
        (PROOF, LEAF, NoteKey("other.example", 1, LOG_KEY.public)),
        (PROOF, LEAF[:-1], LOG_KEY),
    ):
        with pytest.raises(ValueError, match=r"\w"):
            check_proof(proof, leaf, key)


def test_extra_is_not_signed() -> None:
    assert check_proof(replace(PROOF, extra=b"anything"), LEAF, LOG_KEY)
    assert check_proof(replace(PROOF, extra=None), LEAF, LOG_KEY)


A_HASH = "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ="


@pytest.mark.parametrize(
    "head",
    [
        "", "index 0\n", HEAD, HEAD[:-1], f"{HEAD}index\n", f"{HEAD}index \n", f"{HEAD}index 00\n",
        f"{HEAD}index -1\n", f"{HEAD}index {2**63}\n", f"{HEAD}index 0 \n", f"{HEAD}Index 0\n",
        f"{HEAD}index 0\r\n", f"{HEAD}index 0\nindex 1\n", f"{HEAD}{A_HASH}\nindex 0\n",
        f"{HEAD}index 0\n{A_HASH[:-1]}\n", f"{HEAD}index 0\nAAAA\n", f"{HEAD}index 0\n {A_HASH}\n",
        f"{HEAD}index 0\n" + f"{A_HASH}\n" * 64, f"{HEAD}index 0\n{A_HASH}\nextra eA==\n",
        f"{HEAD}extra eA\nindex 0\n", f"{HEAD}extra eB==\nindex 0\n", f"{HEAD}extra\nindex 0\n",
        f"{HEAD}extra \nindex 0\n", f"{HEAD}extra eA==\nextra eA==\nindex 0\n",
        f"{HEAD}index ０\n", f"\n{HEAD}index 0\n", f"{HEAD.upper()}index 0\n",
        f"{HEAD.replace('v1', 'v2')}index 0\n", f"{HEAD}index 0\n\n",
    ],
)  # fmt: skip
def test_what_is_no_proof_is_refused(head: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_proof(f"{head}\n".encode() + CHECKPOINT)


@pytest.mark.parametrize(
    "checkpoint", [b"", b"x\n", CHECKPOINT[:-1], b"\n" + CHECKPOINT, CHECKPOINT + b"\n",
                   "hello\n\n— a AAAAAAA=\n".encode()],
)  # fmt: skip
def test_what_holds_no_checkpoint_is_refused(checkpoint: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_proof(f"{HEAD}index 0\n\n".encode() + checkpoint)
    with pytest.raises(ValueError, match=r"\w"):
        read_submission(b"old 0\n\n" + checkpoint)


@pytest.mark.parametrize(
    "proof",
    [
        replace(PROOF, index=-1), replace(PROOF, index=2**63), replace(PROOF, extra=b""),
        replace(PROOF, hashes=(b"x",)), replace(PROOF, hashes=(bytes(32),) * 64),
        replace(PROOF, checkpoint=b""),
    ],
)  # fmt: skip
def test_what_is_no_proof_is_not_written(proof: Proof) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        write_proof(proof)


# -- submissions ---------------------------------------------------------------------------------


def test_the_specifications_submission() -> None:
    submission = read_submission(SOFA)
    assert (submission.old_size, len(submission.proof)) == (20852014, 4)
    assert submission.checkpoint.startswith(b"example.com/behind-the-sofa\n20852163\n")
    assert write_submission(submission) == SOFA


@pytest.mark.parametrize(
    "head",
    [
        "", "old\n", "old \n", "old 00\n", "old -1\n", "old 1 \n", "OLD 1\n", f"old {2**63}\n",
        "old 0\r\n", f"{A_HASH}\n", f"old 0\n{A_HASH}x\n", "old 0\n" + f"{A_HASH}\n" * 64,
        "old ０\n", "old 0\n\n",
    ],
)  # fmt: skip
def test_what_is_no_submission_is_refused(head: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_submission(f"{head}\n".encode() + CHECKPOINT)


@pytest.mark.parametrize(
    "submission",
    [Submission(-1, (), CHECKPOINT), Submission(0, (b"x",), CHECKPOINT), Submission(0, (), b"x")],
)
def test_what_is_no_submission_is_not_written(submission: Submission) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        write_submission(submission)
