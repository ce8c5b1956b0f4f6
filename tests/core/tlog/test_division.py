"""Two checkpoints of one size prove that a log lied, and only with its own signature on both."""

from __future__ import annotations

import json

import pytest

from provisioner.core.tlog.division import MOST_CHECKPOINTS, find_division
from tests.witness.logs import SmallLog

HONEST, FORKED = SmallLog(), SmallLog(fork=3)
STRANGER, OTHER = SmallLog(seed=2), SmallLog("log.example/two")


def told(*conflicts: tuple[bytes, ...]) -> bytes:
    """As a witness answers; what it says of size and origin does not count."""
    listed = [
        {"origin": "?", "size": 0, "checkpoints": [raw.decode() for raw in each]}
        for each in conflicts
    ]
    return json.dumps({"equivocations": listed}).encode()


def test_both_are_shown_byte_for_byte() -> None:
    pair = (HONEST.checkpoint(5), FORKED.checkpoint(5))
    found = find_division(told((HONEST.checkpoint(2),), pair), HONEST.key)
    assert found is not None
    assert (found.size, found.one, found.other) == (5, *pair)


def test_two_of_one_size_count_wherever_they_stand() -> None:
    apart = told((HONEST.checkpoint(5), HONEST.checkpoint(4)), (FORKED.checkpoint(5),))
    assert find_division(apart, HONEST.key) is not None


@pytest.mark.parametrize(
    "conflict",
    [
        (),
        (HONEST.checkpoint(5),),
        (HONEST.checkpoint(5), HONEST.checkpoint(5)),
        (HONEST.checkpoint(5), HONEST.checkpoint(5, "more")),
        (HONEST.checkpoint(5), HONEST.checkpoint(6)),
        (HONEST.checkpoint(3), FORKED.checkpoint(3)),
        (HONEST.checkpoint(5), FORKED.checkpoint(6)),
        (HONEST.checkpoint(5), STRANGER.checkpoint(5)),
        (HONEST.checkpoint(5), SmallLog(seed=2, fork=3).checkpoint(5)),
        (OTHER.checkpoint(5), SmallLog("log.example/two", fork=3).checkpoint(5)),
        (HONEST.checkpoint(5), HONEST.checkpoint(5).replace(b"\n5\n", b"\n6\n")),
        (b"", b"x", "\u2028".encode()),
    ],
)
def test_what_is_not_proven_is_not_believed(conflict: tuple[bytes, ...]) -> None:
    assert find_division(told(conflict), HONEST.key) is None


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b"{}", b'{"equivocations": 1}', b'{"equivocations": [{"checkpoints": "x"}]}',
     b'{"equivocations": [], "equivocations": []}', b"\xff"],
)  # fmt: skip
def test_what_is_no_answer_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        find_division(raw, HONEST.key)


def test_a_witness_cannot_keep_its_reader_busy() -> None:
    many = (HONEST.checkpoint(4),) * MOST_CHECKPOINTS
    assert find_division(told((*many, FORKED.checkpoint(4))), HONEST.key) is None
    assert find_division(told((*many[1:], FORKED.checkpoint(4))), HONEST.key) is not None
