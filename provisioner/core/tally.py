"""What is counted of a community's data, and whether a copy of it is whole. Pure.

Stdlib only: this is part of the keeper's image.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

Listing = Mapping[str, tuple[int, int]]
"""Every regular file by its path, with its size in bytes and its time of change in ns."""
SHOWN = 3  # names in a sentence


@dataclass(frozen=True)
class Tally:
    """How many files and bytes there are, and how many rows each table has (`file/table`)."""

    files: int
    bytes: int
    rows: Mapping[str, int] = field(default_factory=dict)

    @property
    def row_count(self) -> int:
        return sum(self.rows.values())

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Raises KeyError, TypeError or ValueError for anything else."""
        rows = {str(name): int(count) for name, count in dict(value["rows"]).items()}
        return cls(int(value["files"]), int(value["bytes"]), rows)


def make_tally(listing: Listing, rows: Mapping[str, int]) -> Tally:
    return Tally(len(listing), sum(size for size, _ in listing.values()), dict(rows))


def find_left_out(copies: Mapping[str, str], leave_out: Iterable[str]) -> tuple[str, ...]:
    """Paths that are not copied: what the recipe leaves out, and every live database.

    `copies` maps the live database to the consistent copy of it, which is taken instead.
    """
    live = [f"{path}{end}" for path in copies for end in ("", "-wal", "-shm", "-journal")]
    return (*leave_out, *live)


def find_flaws(before: Listing, after: Listing, copied: Listing) -> tuple[str, ...]:
    """Sentences that say why `copied` is no whole copy; none when it is.

    `before` and `after` are what was there before and after the copying. What stayed the same all
    the while must be in the copy, with the same size and time. A file that came or went meanwhile
    may be in it or not. One that was changed meanwhile may be torn, so that is a flaw.
    """
    same = {path for path in before if before[path] == after.get(path)}
    changed = sorted(path for path in before.keys() & after.keys() if path not in same)
    missing = sorted(path for path in same if path not in copied)
    other = sorted(path for path in same if path in copied and copied[path] != before[path])
    strange = sorted(copied.keys() - before.keys() - after.keys())
    found = (
        ("changed while they were copied", changed),
        ("missing in the copy", missing),
        ("different in the copy", other),
        ("in the copy that never were there", strange),
    )
    return tuple(f"files {what}: {_name(paths)}" for what, paths in found if paths)


def compare_tallies(wanted: Tally, found: Tally) -> tuple[str, ...]:
    """Sentences that say what differs; none when all counts are the same."""
    flaws = [
        f"{counted} {what} instead of {due}"
        for what, due, counted in (
            ("files", wanted.files, found.files),
            ("bytes", wanted.bytes, found.bytes),
        )
        if due != counted
    ]
    return (*flaws, *compare_rows(wanted.rows, found.rows))


def compare_rows(wanted: Mapping[str, int], found: Mapping[str, int]) -> tuple[str, ...]:
    names = sorted(wanted.keys() | found.keys())
    return tuple(
        f"{found.get(name, 'no')} rows in {name} instead of {wanted.get(name, 'none')}"
        for name in names
        if wanted.get(name) != found.get(name)
    )


def _name(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return ", ".join(paths[:SHOWN]) + more
