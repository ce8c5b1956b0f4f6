"""The manifest's text: canonical, and searched without being read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.models.manifest import (
    FileEntry,
    SortedText,
    find_lines,
    path_of,
    read_manifest,
    root_of,
    sort_key,
    write_manifest,
)

# Every path a Linux file system can hold, as Python shows it.
PATHS = st.binary(min_size=1, max_size=8).map(
    lambda raw: "/" + raw.replace(b"\0", b"/").decode("utf-8", "surrogateescape")
)


def entry(path: str, content: str = "aa") -> FileEntry:
    return FileEntry(path, "f", 0o644, 0, 0, 1, content)


@given(PATHS, PATHS)
def test_both_ways_to_write_a_line_are_one(path: str, content: str) -> None:
    each = entry(path, content)
    assert each.line() == (json.dumps(list(each), separators=(",", ":")) + "\n").encode()
    assert path_of(each.line()) == path


@given(st.sets(PATHS, max_size=20))
def test_what_is_written_is_read(paths: set[str]) -> None:
    text = write_manifest(map(entry, paths))
    assert read_manifest(text) == {path: entry(path) for path in paths}
    assert [path for path, _ in find_lines(text)] == sorted(paths, key=sort_key)


@given(st.sets(PATHS, max_size=20), PATHS)
def test_every_path_is_found_and_no_other(paths: set[str], other: str) -> None:
    text = SortedText(write_manifest(map(entry, paths)))
    for path in paths:
        assert text.find_line(path) == entry(path).line()
    assert (text.find_line(other) is not None) == (other in paths)


@given(st.sets(PATHS, max_size=20), PATHS)
def test_what_is_below_is_one_span(paths: set[str], top: str) -> None:
    text = SortedText(write_manifest(map(entry, paths)))
    start, end = text.span_below(top)
    below = [p for p in sorted(paths, key=sort_key) if p.startswith(top.removesuffix("/") + "/")]
    assert [path for path, _ in find_lines(text.text[start:end])] == below


@pytest.mark.parametrize(
    "text",
    [b"x", b"[]\n", b'["/a"]\n', entry("/a").line()[:-1], entry("/a").line() * 2,
     b'["/a", "f",1,0,0,0,""]\n', b'[1,"f",1,0,0,0,""]\n', b'["\\u0061","f",1,0,0,0,""]\n',
     b'["/a","f",1.0,0,0,0,""]\n', b'["/a","f",true,0,0,0,""]\n', b"\xff\n"],
)  # fmt: skip
def test_what_is_not_canonical_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_manifest(text)


@given(st.binary(max_size=60))
def test_strangers_bytes_raise_nothing_but_value_errors(text: bytes) -> None:
    for read in (read_manifest, lambda raw: list(find_lines(raw)), path_of):
        try:
            read(text)
        except ValueError:
            continue


def test_the_root_is_the_hash_of_the_text() -> None:
    assert root_of(b"") == (
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )
