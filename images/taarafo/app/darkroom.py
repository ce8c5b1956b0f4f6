"""Turn an upload into finished photo files, one at a time, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from . import photos, room
from .intake import Intake

ONE_AT_A_TIME = threading.Semaphore(1)
SECONDS = 30


class Unreadable(Exception):
    """The bytes are not a picture that can be read here."""


class Full(Exception):
    """There is no room for another photo."""


@dataclass(frozen=True)
class Developed:
    id: str
    size: tuple[int, int]
    length: int


def develop(upload: Intake, media: Path, reserve_mb: int) -> Developed:
    """Write every size of the photo, so that no power cut takes it away.

    Raises Unreadable or Full and then leaves no file behind.
    """
    if upload.full or not room.has_room(media, reserve_mb):
        raise Full
    if upload.too_big or upload.length == 0:
        raise Unreadable
    photo_id = photos.new_id()
    files = {size: photos.file_of(media, photo_id, size) for size in photos.SIZES}
    try:
        answer = _run(upload.descriptor, files)
        width, height = (int(word) for word in answer.split())
        _keep_names(media)
    except (subprocess.SubprocessError, ValueError, OSError) as error:
        photos.remove_files(media, [photo_id])
        if not room.has_room(media, reserve_mb):
            raise Full from error
        raise Unreadable from error
    length = sum(file.stat().st_size for file in files.values())
    return Developed(photo_id, (width, height), length)


def _run(descriptor: int, files: dict[str, Path]) -> str:
    """The largest size first: each is made from the one before."""
    largest_first = sorted(photos.SIZES.items(), key=lambda item: -item[1])
    pairs = [word for size, longest in largest_first for word in (str(longest), str(files[size]))]
    with ONE_AT_A_TIME:
        done = subprocess.run(
            [sys.executable, "-P", "-s", "-m", f"{__package__}.shrink", *pairs],
            stdin=descriptor,
            capture_output=True,
            timeout=SECONDS,
            check=True,
            env={key: os.environ[key] for key in ("PATH", "PYTHONPATH") if key in os.environ},
        )
    return done.stdout.decode()


def _keep_names(folder: Path) -> None:
    """Names of new files are in their folder, which is written out by itself (fsync(2))."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
