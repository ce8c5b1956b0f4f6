"""Every reader, fed with anything: a value that is written back as it was, or a ValueError."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from provisioner.core.tlog.checkpoint import open_checkpoint, read_checkpoint, write_checkpoint
from provisioner.core.tlog.cosignature import read_cosignature
from provisioner.core.tlog.entry import read_entry, write_entry
from provisioner.core.tlog.note import (
    read_note,
    read_signatures,
    read_vkey,
    write_note,
    write_signatures,
    write_vkey,
)
from provisioner.core.tlog.policy import count_witnesses, read_policy, write_policy
from provisioner.core.tlog.proof import read_proof, write_proof
from provisioner.core.tlog.submission import read_submission, write_submission
from tests.core.tlog.golden import ALICE_KEY, FOLDER, GOLDEN, LOG_KEY, TEXT, nearly


def as_text(read: Callable[[str], Any]) -> Callable[[bytes], Any]:
    """Bytes that are no UTF-8 become the surrogates that a careless caller would hand over."""
    return lambda raw: read(raw.decode("utf-8", "surrogateescape"))


def as_bytes(write: Callable[[Any], str]) -> Callable[[Any], bytes]:
    return lambda value: write(value).encode()


READERS = {
    "note": (read_note, write_note, GOLDEN["cosigned"]),
    "signatures": (
        as_text(read_signatures), as_bytes(write_signatures), GOLDEN["cosigned"].split("\n\n")[1],
    ),
    "vkey": (as_text(read_vkey), as_bytes(write_vkey), GOLDEN["vkeys"]["log.example/taarafo"]),
    "checkpoint": (as_text(read_checkpoint), as_bytes(write_checkpoint), TEXT),
    "proof": (read_proof, write_proof, GOLDEN["proof"]),
    "submission": (read_submission, write_submission, GOLDEN["submission"]),
    "entry": (read_entry, write_entry, GOLDEN["entries"][0]),
}  # fmt: skip


@pytest.mark.parametrize("name", READERS)
def test_the_sample_is_read_and_written_back(name: str) -> None:
    read, write, sample = READERS[name]
    assert write(read(sample.encode())) == sample.encode()


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
def test_nearly_right_bytes_are_written_back_or_refused(name: str, data: st.DataObject) -> None:
    read, write, sample = READERS[name]
    raw = data.draw(nearly(sample.encode()))
    try:
        value = read(raw)
    except ValueError:
        return
    assert write(value) == raw


@pytest.mark.parametrize("name", [*READERS, "policy"])
@given(raw=st.binary(max_size=80))
@example(raw=b"")
@example(raw=b"\n")
@example(raw=b"\n\n\n")
@example(raw="— \n\n— a AAAAAAA=\n".encode())
def test_random_bytes_are_a_value_or_a_value_error(name: str, raw: bytes) -> None:
    read = as_text(read_policy) if name == "policy" else READERS[name][0]
    try:
        read(raw)
    except ValueError:
        return


POLICIES = [GOLDEN["policy"], (FOLDER / "witness-policy.txt").read_text("utf-8"), "quorum none\n"]


@settings(max_examples=200)
@given(data=st.data())
def test_a_nearly_right_policy_says_the_same_when_it_is_written(data: st.DataObject) -> None:
    raw = data.draw(nearly(data.draw(st.sampled_from(POLICIES)).encode()))
    try:
        policy = as_text(read_policy)(raw)
    except ValueError:
        return
    assert read_policy(write_policy(policy)) == policy


@given(data=st.data())
def test_a_changed_note_is_never_taken_for_the_signed_one(data: st.DataObject) -> None:
    raw = data.draw(nearly(GOLDEN["cosigned"].encode()))
    try:
        checkpoint, note = open_checkpoint(raw, LOG_KEY)
        time = read_cosignature(note, ALICE_KEY)
        count_witnesses(note, read_policy(GOLDEN["policy"]))
    except ValueError:
        return
    assert write_checkpoint(checkpoint) == note.text == TEXT
    assert time in (None, 1_700_000_001)
