"""Open a bundle: every part of it is verified before it is used, and nothing is believed before.

Its letter is signed, holds the hash of the list, and the list the size and hash of every file.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from provisioner.core.bundle import (
    CONTENTS,
    FORM,
    LARGEST_CONTENTS,
    LARGEST_LETTER,
    LETTER,
    REPOSITORY,
    SHA256,
    read_contents,
)
from provisioner.core.letter import Letter, read_letter
from provisioner.core.tally import Tally
from provisioner.engine.moves.export_steps import BUNDLE
from provisioner.errors import BundleRefused, NotEnoughRoom, SaidBadly
from provisioner.files import MEGABYTE

BLOCK = 2**20  # bytes
NOT_WHOLE = "it is not whole, or something in it was changed"


@dataclass(frozen=True)
class OpenBundle:
    """A bundle whose letter was verified. `digest` is the letter's: which bundle it is."""

    letter: Letter
    digest: str
    tally: Tally

    @property
    def snapshot(self) -> str:
        return str(self.letter.told["snapshot"])

    @property
    def address(self) -> str:
        return str(self.letter.told["address"])


def read_bundle(file: Path, signed_by: str = "") -> OpenBundle:
    """Who made it, and what it says of itself; the rest is not looked at. Raises BundleRefused."""
    with _opened(file) as reader:
        return _read_letter(reader, signed_by)


def unpack_bundle(file: Path, folder: Path, signed_by: str = "") -> OpenBundle:
    """Verify all of it, and lay its repository out in `folder`. Raises BundleRefused or
    NotEnoughRoom; then `folder` holds nothing that may be used."""
    size, free = file.stat().st_size, shutil.disk_usage(folder).free
    if free < size:
        raise NotEnoughRoom(free_mb=free // MEGABYTE, needed_mb=size // MEGABYTE + 1)
    with _opened(file) as reader:
        bundle = _read_letter(reader, signed_by)
        listed = _read_member(reader, CONTENTS, LARGEST_CONTENTS)
        if hashlib.sha256(listed).hexdigest() != bundle.letter.told["contents"]:
            raise BundleRefused("contents.json", reason=NOT_WHOLE)
        _lay_out(reader, folder, listed)
    return bundle


@contextmanager
def _opened(file: Path) -> Iterator[IO[bytes]]:
    if not file.is_file():
        raise SaidBadly(f"There is no file {file} on this machine.", "file")
    try:
        with file.open("rb") as reader:
            yield reader
    except (tarfile.TarError, ValueError, KeyError, TypeError, EOFError) as error:
        raise BundleRefused(repr(error), reason=NOT_WHOLE) from error


def _read_letter(reader: IO[bytes], signed_by: str) -> OpenBundle:
    try:
        raw = _read_member(reader, LETTER, LARGEST_LETTER)
        letter = read_letter(BUNDLE, raw)
    except (tarfile.TarError, ValueError, EOFError) as error:
        raise BundleRefused(repr(error), reason=f"it was not signed as one ({error})") from error
    told = letter.told
    if told.get("form") != FORM:
        raise BundleRefused(reason="it is of a form that this version of Taarafo does not know")
    if signed_by and not letter.is_signed_by(signed_by):
        raise BundleRefused(reason=f"it was signed by another key, {letter.signed_by}")
    if not SHA256(str(told["snapshot"])) or not SHA256(str(told["contents"])):
        raise ValueError("its letter is not complete")
    tally = Tally.from_json(told["tally"])
    return OpenBundle(letter, hashlib.sha256(raw).hexdigest(), tally)


def _lay_out(reader: IO[bytes], folder: Path, listed: bytes) -> None:
    contents = read_contents(listed)
    while (told := _read_header(reader)) is not None:
        name, size = told
        wanted, digest = contents.pop(name, (-1, ""))
        if size != wanted:
            raise BundleRefused(name, reason=NOT_WHOLE)
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            found = _copy(reader, file, size)
        if found != digest:
            raise BundleRefused(name, reason=NOT_WHOLE)
    if contents:
        raise BundleRefused(f"{len(contents)} files are missing", reason=NOT_WHOLE)
    for name in ("data", "keys", "index", "snapshots", "locks"):
        (folder / REPOSITORY / name).mkdir(exist_ok=True)


def _read_member(reader: IO[bytes], name: str, most: int) -> bytes:
    told = _read_header(reader)
    if told is None or told[0] != name or told[1] > most:
        raise ValueError(f"{name} is not where it belongs")
    content = _read_whole(reader, told[1])
    _read_whole(reader, -told[1] % tarfile.BLOCKSIZE)
    return content


def _read_header(reader: IO[bytes]) -> tuple[str, int] | None:
    """Name and size of a plain file (POSIX ustar), None at the end. Raises ValueError or TarError
    for anything else: links, devices, and headers that say more than that."""
    block = _read_whole(reader, tarfile.BLOCKSIZE)
    if block == bytes(tarfile.BLOCKSIZE):
        return None
    told = tarfile.TarInfo.frombuf(block, "ascii", "strict")
    if told.type != tarfile.REGTYPE or told.size < 0:
        raise ValueError("something in it is no plain file")
    return told.name, told.size


def _copy(reader: IO[bytes], file: IO[bytes], size: int) -> str:
    digest, left = hashlib.sha256(), size
    while left:
        block = _read_whole(reader, min(left, BLOCK))
        digest.update(block)
        file.write(block)
        left -= len(block)
    _read_whole(reader, -size % tarfile.BLOCKSIZE)
    return digest.hexdigest()


def _read_whole(reader: IO[bytes], size: int) -> bytes:
    content = reader.read(size)
    if len(content) != size:
        raise EOFError("it ends too early")
    return content
