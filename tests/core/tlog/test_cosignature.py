"""Cosignatures: what a witness signs is the time and the whole checkpoint."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.tlog.cosignature import cosign, encode_message, read_cosignature
from provisioner.core.tlog.note import (
    COSIGNATURE_V1,
    ED25519,
    Note,
    NoteKey,
    NoteSignature,
    check_signature,
    read_note,
)
from tests.core.tlog.golden import ALICE, ALICE_KEY, ALICE_PRIVATE, BOB_KEY, LOG_KEY, TEXT

# The example of tlog-cosignature; its keys were never published.
SOFA = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
BY_W1 = "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"  # noqa: E501
TIMES = st.integers(0, 2**63 - 1)


def test_the_message_is_the_specifications_own() -> None:
    assert encode_message(SOFA, 1679315147).decode().splitlines() == [
        "cosignature/v1",
        "time 1679315147",
        "example.com/behind-the-sofa",
        "20852163",
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
    ]


def test_the_specifications_example_has_our_shape() -> None:
    (signature,) = read_note(f"{SOFA}\n{BY_W1}".encode()).signatures
    assert int.from_bytes(signature.signature[:8], "big") == 1679315147
    ours = cosign(SOFA, "witness.example.com/w1", ALICE_PRIVATE, 1679315147)
    assert ours.signature[:8] == signature.signature[:8]
    assert len(ours.signature) == len(signature.signature) == 72


def note_of(*signatures: NoteSignature, text: str = TEXT) -> Note:
    return Note(text, signatures)


@given(TIMES)
def test_a_witness_is_read_with_its_time(time: int) -> None:
    note = note_of(cosign(TEXT, ALICE, ALICE_PRIVATE, time))
    assert read_cosignature(note, ALICE_KEY) == time
    assert read_cosignature(note, BOB_KEY) is None


def test_of_two_times_the_later_counts() -> None:
    early, late = (cosign(TEXT, ALICE, ALICE_PRIVATE, time) for time in (5, 9))
    assert read_cosignature(note_of(late, early), ALICE_KEY) == 9


@given(st.integers(0, 72 * 8 - 1))
def test_no_bit_of_time_or_signature_may_differ(bit: int) -> None:
    signed = cosign(TEXT, ALICE, ALICE_PRIVATE, 1_700_000_000)
    flipped = (int.from_bytes(signed.signature, "big") ^ 1 << bit).to_bytes(72, "big")
    with pytest.raises(ValueError, match=r"not valid|timestamp"):
        read_cosignature(note_of(replace(signed, signature=flipped)), ALICE_KEY)


def test_a_cosignature_of_another_tree_is_refused() -> None:
    signed = cosign(TEXT, ALICE, ALICE_PRIVATE, 5)
    with pytest.raises(ValueError, match="not valid"):
        read_cosignature(note_of(signed, text=TEXT.replace("300", "301")), ALICE_KEY)
    with pytest.raises(ValueError, match="not valid"):
        read_cosignature(note_of(signed, text=TEXT + "extension\n"), ALICE_KEY)


@pytest.mark.parametrize("length", [1, 8, 64, 71, 73])
def test_another_length_is_refused(length: int) -> None:
    signed = cosign(TEXT, ALICE, ALICE_PRIVATE, 5)
    content = (signed.signature + b"\0")[:length]
    with pytest.raises(ValueError, match="not valid"):
        read_cosignature(note_of(replace(signed, signature=content)), ALICE_KEY)


def test_a_plain_signature_is_no_cosignature_and_the_other_way_round() -> None:
    key = NoteKey(ALICE, ED25519, ALICE_KEY.public)
    plain = NoteSignature(ALICE, key.key_id, ALICE_PRIVATE.sign(TEXT.encode()))
    assert read_cosignature(note_of(plain), ALICE_KEY) is None
    assert not check_signature(note_of(cosign(TEXT, ALICE, ALICE_PRIVATE, 5)), key)
    as_witness = replace(plain, key_id=ALICE_KEY.key_id, signature=bytes(8) + plain.signature)
    with pytest.raises(ValueError, match="not valid"):
        read_cosignature(note_of(as_witness), ALICE_KEY)


@pytest.mark.parametrize("time", [-1, 2**63, 2**64 - 1])
def test_a_time_that_cannot_be_is_not_signed(time: int) -> None:
    with pytest.raises(ValueError, match="timestamp"):
        cosign(TEXT, ALICE, ALICE_PRIVATE, time)


def test_a_time_that_cannot_be_is_refused_though_it_was_signed() -> None:
    time = 2**63
    signature = time.to_bytes(8, "big") + ALICE_PRIVATE.sign(encode_message(TEXT, time))
    with pytest.raises(ValueError, match="timestamp"):
        read_cosignature(note_of(NoteSignature(ALICE, ALICE_KEY.key_id, signature)), ALICE_KEY)


@pytest.mark.parametrize("text", ["hello\n", "", TEXT[:-1], TEXT + "\n"])
def test_what_is_no_checkpoint_is_not_cosigned(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        cosign(text, ALICE, ALICE_PRIVATE, 5)


def test_what_is_no_checkpoint_was_not_cosigned() -> None:
    text = "hello\n"
    signature = bytes(8) + ALICE_PRIVATE.sign(encode_message(text, 0))
    with pytest.raises(ValueError, match="checkpoint"):
        read_cosignature(
            note_of(NoteSignature(ALICE, ALICE_KEY.key_id, signature), text=text), ALICE_KEY
        )


def test_a_logs_key_is_no_witness_key() -> None:
    assert LOG_KEY.algorithm != COSIGNATURE_V1
    with pytest.raises(ValueError, match="not a key of a witness"):
        read_cosignature(note_of(), LOG_KEY)
