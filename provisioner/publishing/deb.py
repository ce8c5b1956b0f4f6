"""Control fields of a Debian package, read from the file itself (deb(5), ar(5)).

Without a program for each file: a release's papers name some thirty packages.
"""

from __future__ import annotations

import io
import lzma
import tarfile
from pathlib import Path
from typing import BinaryIO

_MAGIC = b"!<arch>\n"
_HEADER = 60  # bytes; the size in decimal is at 48, for ten
_LARGEST_CONTROL = 16 * 1024 * 1024


def read_fields(deb: Path) -> dict[str, str]:
    """`Package`, `Version`, `Architecture` … by name; of a long field the first line only.

    Raises ValueError for a file that is no Debian package.
    """
    with deb.open("rb") as file:
        archive = _find_control(file)
    try:
        text = _read_control(archive).decode("utf-8")
    except (tarfile.TarError, lzma.LZMAError, EOFError, UnicodeDecodeError) as error:
        raise ValueError(f"its control file cannot be read ({error})") from error
    lines = (line.split(":", 1) for line in text.splitlines() if line[:1] not in ("", " ", "\t"))
    return {pair[0]: pair[1].strip() for pair in lines if len(pair) == 2}


def _find_control(file: BinaryIO) -> bytes:
    if file.read(len(_MAGIC)) != _MAGIC:
        raise ValueError("not a Debian package")
    while len(header := file.read(_HEADER)) == _HEADER:
        size = int(header[48:58])
        if header.startswith(b"control.tar"):
            if size > _LARGEST_CONTROL:
                raise ValueError("its control file is larger than it may be")
            return _read_whole(file, size)
        file.seek(size + size % 2, io.SEEK_CUR)
    raise ValueError("a package without a control file")


def _read_whole(file: BinaryIO, size: int) -> bytes:
    content = file.read(size)
    if len(content) < size:
        raise ValueError("a package that was cut short")
    return content


def _read_control(archive: bytes) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        for member in members:
            found = members.extractfile(member) if member.name in ("./control", "control") else None
            if found:
                return found.read()
    raise ValueError("a package without a control file")
