"""Where a keeper's job finds what it was given; `core/keeping.py` mounts it there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioner.node.restic import Repository


@dataclass(frozen=True)
class Places:
    """Paths inside the job. `target` is where a drill brings things back to."""

    data: Path = Path("/data")
    scratch: Path = Path("/scratch")
    target: Path = Path("/target")
    phrase: Path = Path("/run/secrets/phrase")
    s3_keys: Path = Path("/run/secrets/s3")

    def open_repository(self, wish: Mapping[str, Any]) -> Repository:
        """The repository that a wish names. What a killed job left in the scratch folder goes."""
        for path in self.scratch.iterdir():
            if path.is_file():
                path.unlink()
        where = str(wish["repository"])
        keys = self.s3_keys if where.startswith("s3:") else None
        return Repository(where, self.phrase, self.scratch, keys)


INSIDE = Places()
