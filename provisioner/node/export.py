"""Copy a community's data into a repository of its own, read all of it back, and list its files.

python3 -m provisioner.node.export '{"repository": …, "community": …, "copies": …, "card": …}'
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provisioner.core.bundle import CONTENTS, REPOSITORY, write_contents
from provisioner.core.tally import find_left_out
from provisioner.errors import BackupFailed
from provisioner.files import sync_folder, write_atomically
from provisioner.node.back_up import back_up
from provisioner.node.listing import list_files
from provisioner.node.places import INSIDE, Places
from provisioner.node.report import run_job

MEGABYTE = 2**20
SPARE = 1.1  # of what is copied: for restic's own lists, and the largest file while it is packed
LEAST = 64 * MEGABYTE
ALL = "1/1"


def export(wish: Mapping[str, Any], places: Places = INSIDE) -> dict[str, Any]:
    """The report of a backup, with the hash of the list. Raises BackupFailed.

    What an earlier try left is erased first, so that there is one copy in it and no more.
    """
    repository = Path(wish["repository"])
    part = repository.parent
    shutil.rmtree(part, ignore_errors=True)
    _refuse_when_full(wish, part.parent, places)
    part.mkdir(mode=0o700)
    told = back_up({**wish, "day": 0, "is_ours": True, "read": ALL}, places)
    contents = {
        f"{REPOSITORY}/{path.relative_to(repository)}": (path.stat().st_size, hash_file(path))
        for path in sorted(repository.rglob("*"))
        if path.is_file()
    }
    listed = write_contents(contents)
    write_atomically(part / CONTENTS, listed, mode=0o600)
    sync_folder(part)
    return {**told, "contents": hashlib.sha256(listed).hexdigest()}


def _refuse_when_full(wish: Mapping[str, Any], folder: Path, places: Places) -> None:
    left_out = find_left_out(dict(wish["copies"]), wish["leave_out"])
    copied = sum(size for size, _ in list_files(places.data, left_out).values())
    needed, free = round(copied * SPARE) + LEAST, shutil.disk_usage(folder).free
    if free < needed:
        room = f"{free // MEGABYTE} MB free, {needed // MEGABYTE} MB needed"
        raise BackupFailed(room, reason=f"there is not enough room for it: {room}")


def hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(run_job("export", export))
