"""The file tree as sorted manifest lines: told as differences, and put together again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from provisioner.models.evidence import Tree
from provisioner.models.manifest import SortedText, find_lines, sort_key

Lines = Iterator[tuple[str, bytes]]
NO_LINES = "sha256:" + hashlib.sha256().hexdigest()


@dataclass
class Comparison:
    """Differences of a measured tree from a reference, both in the order of the manifest."""

    limit: int = 2000
    count: int = 0
    unlisted: int = 0
    changed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def run(self, measured: Lines, reference: Lines) -> str:
        """Takes both apart line by line and returns the root of the measured lines."""
        digest = hashlib.sha256()
        expected = next(reference, None)
        for path, line in measured:
            digest.update(line)
            self.count += 1
            key = sort_key(path)
            while expected and sort_key(expected[0]) < key:
                self._add(self.missing, expected[0])
                expected = next(reference, None)
            if not expected or expected[0] != path:
                self._add(self.changed, line.decode("ascii"))
                continue
            if expected[1] != line:
                self._add(self.changed, line.decode("ascii"))
            expected = next(reference, None)
        while expected:
            self._add(self.missing, expected[0])
            expected = next(reference, None)
        return "sha256:" + digest.hexdigest()

    def _add(self, where: list[str], text: str) -> None:
        if len(self.changed) + len(self.missing) < self.limit:
            where.append(text)
        else:
            self.unlisted += 1


def drop_below(lines: Lines, tops: Iterable[str]) -> Lines:
    """The lines that are neither at nor below one of `tops`.

    A top that ends in a slash stands for what is below it, without itself.
    """
    found = tuple(tops)
    exact = frozenset(found)
    below = tuple(top.removesuffix("/") + "/" for top in found)
    return (
        (path, line) for path, line in lines if path not in exact and not path.startswith(below)
    )


def put_together(reference: SortedText, tree: Tree) -> str:
    """The root that follows from the reference and the reported differences.

    Raises ValueError when a reported line is none.
    """
    text, edits = reference.text, _plan_edits(reference, tree)
    digest, position = hashlib.sha256(), 0
    for start, _, end, line in sorted(edits):
        digest.update(text[position:start])
        digest.update(line)
        position = max(position, end)
    digest.update(text[position:])
    return "sha256:" + digest.hexdigest()


def _plan_edits(reference: SortedText, tree: Tree) -> Iterator[tuple[int, bytes, int, bytes]]:
    """(start, sort key, end, line): what to cut out of the text, and what to put in its place."""
    for each in tree.left_out:
        if not each.path.endswith("/"):
            yield _cut(reference.span_of(each.path))
        yield _cut(reference.span_below(each.path))
    for path in tree.missing:
        yield _cut(reference.span_of(path))
    for path, line in changed_lines(tree).items():
        start, end = reference.span_of(path)
        yield start, sort_key(path), end, line


def _cut(span: tuple[int, int]) -> tuple[int, bytes, int, bytes]:
    return span[0], b"", span[1], b""


def changed_lines(tree: Tree) -> dict[str, bytes]:
    """The reported manifest lines by path. Raises ValueError."""
    found: dict[str, bytes] = {}
    for text in tree.changed:
        (each,) = find_lines(text.encode("ascii"))  # exactly one line, or a ValueError
        found[each[0]] = each[1]
    return found
