"""Where a keeper's job finds what it was given; `core/keeping.py` mounts it there."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from provisioner.errors import BackupFailed
from provisioner.node.restic import Repository

ANSWER_SECONDS = 10.0


@dataclass(frozen=True)
class Places:
    """Paths inside the job. `target` is where a drill brings things back to."""

    data: Path = Path("/data")
    scratch: Path = Path("/scratch")
    target: Path = Path("/target")
    phrase: Path = Path("/run/secrets/phrase")
    s3_keys: Path = Path("/run/secrets/s3")

    @property
    def restored(self) -> Path:
        """Where the data comes back to: restic keeps the whole path that it had."""
        return self.target.joinpath(*self.data.parts[1:])

    def open_repository(self, wish: Mapping[str, Any]) -> Repository:
        """The repository that a wish names. What a killed job left in the scratch folder goes."""
        for path in self.scratch.iterdir():
            if path.is_file():
                path.unlink()
        where = str(wish["repository"])
        if where.startswith("s3:"):
            _see_whether_it_answers(where.removeprefix("s3:"))
        keys = self.s3_keys if where.startswith("s3:") else None
        return Repository(where, self.phrase, self.scratch, keys, wish.get("is_ours", True))


def _see_whether_it_answers(address: str) -> None:
    """restic alone would try for a quarter of an hour. Raises BackupFailed."""
    told = urlsplit(address)
    port = told.port or (443 if told.scheme == "https" else 80)
    try:
        socket.create_connection((told.hostname or "", port), ANSWER_SECONDS).close()
    except OSError as error:
        raise BackupFailed(str(error), reason="the S3 store does not answer") from error


INSIDE = Places()
