"""What is in a bundle: one tar with a signed letter, the list of its files, and those files. Pure.

In this order, so that a reader can verify each before the next: the letter holds the hash of the
list, and the list holds the size and hash of every file of a restic repository, which only the
community's words open. Stdlib only: part of the keeper's image.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

FORM = 1  # a newer form has another number
LETTER, CONTENTS, REPOSITORY = "bundle.json", "contents.json", "repository"
LARGEST_LETTER = 2**20  # bytes
LARGEST_CONTENTS = 64 * 2**20
NAME = re.compile(
    rf"{REPOSITORY}/(config|(keys|index|snapshots)/[0-9a-f]{{64}}|data/[0-9a-f]{{2}}/[0-9a-f]{{64}})"
).fullmatch
SHA256 = re.compile(r"[0-9a-f]{64}").fullmatch

Contents = Mapping[str, tuple[int, str]]
"""Every file by its name: size in bytes, and SHA-256 in hex."""


def write_contents(contents: Contents) -> bytes:
    """The same bytes for the same files."""
    return json.dumps(
        {name: list(told) for name, told in contents.items()}, sort_keys=True
    ).encode()


def read_contents(raw: bytes) -> dict[str, tuple[int, str]]:
    """Raises ValueError for names that are none of a repository, and for anything else."""
    value = json.loads(raw)
    if not isinstance(value, dict) or not value:
        raise ValueError("it lists no files")
    contents: dict[str, tuple[int, str]] = {}
    for name, told in value.items():
        if not NAME(name):
            raise ValueError("it lists what belongs to no repository")
        match told:
            case [int(size), str(digest)] if size >= 0 and SHA256(digest):
                contents[name] = (size, digest)
            case _:
                raise ValueError("it lists a file without its size and hash")
    return contents
