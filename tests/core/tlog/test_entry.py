"""Entries of our own log: one line in one form."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.tlog.entry import KINDS, LONGEST_NAME, Entry, read_entry, write_entry

DIGEST = "0123456789abcdef" * 4
GOOD = Entry("metadata", "3.root.json", DIGEST)
LINE = f"taarafo/log/v1 metadata 3.root.json sha256:{DIGEST}\n"
NAMES = st.text(
    st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Zs")),
    min_size=1,
    max_size=LONGEST_NAME,
)
DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex)


def test_an_entry_is_a_line_that_a_person_can_read() -> None:
    assert write_entry(GOOD) == LINE.encode()
    assert read_entry(LINE.encode()) == GOOD


@given(st.builds(Entry, st.sampled_from(KINDS), NAMES, DIGESTS))
def test_what_is_written_is_read(entry: Entry) -> None:
    assert read_entry(write_entry(entry)) == entry


def test_the_longest_name_fits_a_bundle() -> None:
    longest = replace(GOOD, name="\U0001f600" * LONGEST_NAME)
    assert len(write_entry(longest)) < 1_000


def in_line(old: str, new: str) -> bytes:
    assert old in LINE
    return LINE.replace(old, new).encode()


@pytest.mark.parametrize(
    "raw",
    [
        b"", LINE[:-1].encode(), (LINE + "\n").encode(), (LINE * 2).encode(), LINE.encode() + b" ",
        b" " + LINE.encode(), b"\xff" + LINE.encode(), "\ufeff".encode() + LINE.encode(),
        in_line("v1", "v2"), in_line("metadata", "Metadata"), in_line("metadata", "release"),
        in_line("metadata ", ""), in_line("metadata", "metadata "), in_line("3.root.json ", ""),
        in_line("3.root.json", "3 root.json"), in_line("3.root", "3\troot"), in_line("3.", "3\n."),
        in_line("3.", "3\0."), in_line("3.", "3\x85."), in_line("3.", "3\u00a0."),
        in_line("3.", "3\u2028."), in_line("3.", "3\u202e."), in_line("3.", "3\u200b."),
        in_line("3.root.json", "x" * (LONGEST_NAME + 1)), in_line("sha256:", "sha512:"),
        in_line("sha256:", ""), in_line("abcdef\n", "ABCDEF\n"), in_line("f\n", "\n"),
        in_line("f\n", "ff\n"), in_line("f\n", "g\n"), in_line("\n", "\r\n"),
        in_line("0123456789", "０123456789"),
    ],
)  # fmt: skip
def test_what_is_no_entry_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_entry(raw)


@pytest.mark.parametrize(
    "entry",
    [
        replace(GOOD, kind="release"), replace(GOOD, kind=""), replace(GOOD, name=""),
        replace(GOOD, name="a b"), replace(GOOD, name="a\nb"), replace(GOOD, name="\ud800"),
        replace(GOOD, name="x" * (LONGEST_NAME + 1)), replace(GOOD, sha256=DIGEST[:-1]),
        replace(GOOD, sha256=DIGEST.upper()), replace(GOOD, sha256="sha256:" + DIGEST),
        replace(GOOD, name=f"a sha256:{DIGEST}\ntaarafo/log/v1 agent b"),
    ],
)  # fmt: skip
def test_what_is_no_entry_is_not_written(entry: Entry) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        write_entry(entry)
