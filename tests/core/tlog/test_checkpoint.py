"""Checkpoints: three lines in one form, signed by the log they name."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.tlog.checkpoint import (
    Checkpoint,
    open_checkpoint,
    read_checkpoint,
    write_checkpoint,
)
from provisioner.core.tlog.merkle import EMPTY_ROOT
from provisioner.core.tlog.note import Note, NoteKey, sign_note, write_note
from tests.core.tlog.golden import ALICE_KEY, BOB_KEY, GOLDEN, LOG_KEY, LOG_PRIVATE, ORIGIN, TEXT

# The example of tlog-checkpoint; its keys were never published.
SOFA = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
ROOT = base64.b64encode(b"r" * 32).decode()
GOOD = Checkpoint("a.example", 1, b"r" * 32)

LINES = st.text(st.characters(exclude_categories=("Cs",), min_codepoint=0x20), min_size=1)


def test_the_specifications_example() -> None:
    checkpoint = read_checkpoint(SOFA)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.root.hex().startswith("0ac5186a9186")
    assert write_checkpoint(checkpoint) == SOFA


@given(
    st.builds(
        Checkpoint, LINES, st.integers(1, 2**63 - 1), st.binary(min_size=32, max_size=32),
        st.lists(LINES, max_size=3).map(tuple),
    )
)  # fmt: skip
def test_what_is_written_is_read(checkpoint: Checkpoint) -> None:
    assert read_checkpoint(write_checkpoint(checkpoint)) == checkpoint


def test_an_empty_tree_has_the_empty_root() -> None:
    empty = Checkpoint("a.example", 0, EMPTY_ROOT)
    assert read_checkpoint(write_checkpoint(empty)) == empty
    with pytest.raises(ValueError, match="empty tree"):
        read_checkpoint(f"a.example\n0\n{ROOT}\n")


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "a\n", "a\n1\n", f"a\n1\n{ROOT}", f"a\n1\n{ROOT}\n\n", f"a\n1\n{ROOT}\n\nx\n",
        f"\n1\n{ROOT}\n", f"a\n\n{ROOT}\n", f"a\n01\n{ROOT}\n", f"a\n+1\n{ROOT}\n",
        f"a\n-1\n{ROOT}\n", f"a\n 1\n{ROOT}\n", f"a\n1 \n{ROOT}\n", f"a\n1_0\n{ROOT}\n",
        f"a\n１\n{ROOT}\n", f"a\n1.0\n{ROOT}\n", f"a\n{2**63}\n{ROOT}\n",
        f"a\n{'9' * 5000}\n{ROOT}\n",
        "a\n1\n\n", f"a\n1\n{ROOT[:-1]}\n", f"a\n1\n{ROOT}=\n", "a\n1\nAAAA\n", f"a\n1\n{ROOT} \n",
        f"a\n1\n{ROOT[:-2]}J=\n", f"a\r\n1\r\n{ROOT}\r\n", f"a\tb\n1\n{ROOT}\n",
        f"\ud800\n1\n{ROOT}\n",
    ],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_checkpoint(text)


@pytest.mark.parametrize(
    "checkpoint",
    [
        replace(GOOD, origin=""), replace(GOOD, origin="a\nb"), replace(GOOD, origin="a\tb"),
        replace(GOOD, size=-1), replace(GOOD, size=2**63), replace(GOOD, size=0),
        replace(GOOD, root=b"r" * 31), replace(GOOD, root=b""), replace(GOOD, extensions=("",)),
        replace(GOOD, extensions=("a\nb",)),
    ],
)  # fmt: skip
def test_what_is_no_checkpoint_is_not_written(checkpoint: Checkpoint) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        write_checkpoint(checkpoint)


def test_a_signed_checkpoint_is_opened() -> None:
    checkpoint, note = open_checkpoint(GOLDEN["cosigned"].encode(), LOG_KEY)
    assert checkpoint == read_checkpoint(TEXT)
    assert (note.text, len(note.signatures)) == (TEXT, 3)


def seal(text: str, name: str = ORIGIN) -> bytes:
    return write_note(Note(text, (sign_note(text, name, LOG_PRIVATE),)))


def test_only_the_logs_own_signature_counts() -> None:
    alice = NoteKey(ALICE_KEY.name, 1, ALICE_KEY.public)
    with pytest.raises(ValueError, match="did not sign"):
        open_checkpoint(GOLDEN["cosigned"].encode(), alice)
    with pytest.raises(ValueError, match="did not sign"):
        open_checkpoint(GOLDEN["checkpoint"].encode(), NoteKey(ORIGIN, 1, BOB_KEY.public))
    with pytest.raises(ValueError, match="not a key for notes"):
        open_checkpoint(GOLDEN["cosigned"].encode(), ALICE_KEY)


def test_a_checkpoint_of_another_log_is_refused_though_the_key_signed_it() -> None:
    text = TEXT.replace(ORIGIN, "other.example/log")
    with pytest.raises(ValueError, match="another log"):
        open_checkpoint(seal(text), LOG_KEY)


def test_a_signed_note_that_is_no_checkpoint_is_refused() -> None:
    with pytest.raises(ValueError, match="lines of a checkpoint"):
        open_checkpoint(seal("hello\n"), LOG_KEY)


def test_a_changed_size_is_refused() -> None:
    with pytest.raises(ValueError, match="not valid"):
        open_checkpoint(GOLDEN["checkpoint"].replace("300", "301").encode(), LOG_KEY)
