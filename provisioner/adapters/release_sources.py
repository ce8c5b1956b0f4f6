"""Where published releases are read from, and the one deadline of each conversation with it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tuf.api.exceptions import DownloadError, DownloadHTTPError, SlowRetrievalError
from tuf.ngclient import FetcherInterface

CHUNK = 64 * 1024
NOT_FOUND = 404


class Deadline:
    """The moment by which an operation has ended, whatever the other side does."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that remain. Raises SlowRetrievalError when there are none."""
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise SlowRetrievalError("the deadline has passed")
        return seconds


class Source(Protocol):
    """Makes the fetcher for one operation. Addresses are `metadata/…` and `targets/…`."""

    def open(self, deadline: Deadline) -> FetcherInterface: ...


@dataclass(frozen=True)
class FolderSource:
    """A repository on this machine's disk."""

    folder: Path

    def open(self, deadline: Deadline) -> FetcherInterface:
        return _FolderFetcher(self.folder, deadline)


class _FolderFetcher(FetcherInterface):
    def __init__(self, folder: Path, deadline: Deadline) -> None:
        self._folder = folder
        self._deadline = deadline

    def _fetch(self, url: str) -> Iterator[bytes]:
        path = self._folder / url
        if ".." in path.parts or not path.is_relative_to(self._folder):
            raise DownloadHTTPError(f"{url} is outside", NOT_FOUND)
        if not self._folder.is_dir():
            raise DownloadError(f"{self._folder} is not there")
        try:
            with path.open("rb") as file:
                while chunk := file.read(CHUNK):
                    self._deadline.left()
                    yield chunk
        except FileNotFoundError as error:
            raise DownloadHTTPError(f"{url} is missing", NOT_FOUND) from error
