"""Copy a community's data into its repository, read it back, count it and compare.

python3 -m provisioner.node.back_up '{"repository": …, "community": …, "copies": …, …}'
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from provisioner.core.reading import plan_reading
from provisioner.core.tally import compare_rows, find_flaws, find_left_out, make_tally
from provisioner.errors import BackupFailed
from provisioner.node.listing import count_copies, list_files
from provisioner.node.places import INSIDE, Places
from provisioner.node.report import run_job
from provisioner.node.restic import Repository

TRIES = 3  # a file may be changed while it is copied; then it is copied again


def back_up(wish: Mapping[str, Any], places: Places = INSIDE) -> dict[str, Any]:
    """The report of one good backup. Raises BackupFailed.

    A copy that is not whole is forgotten at once, so that nobody ever restores it.
    """
    began = time.monotonic()
    repository = places.open_repository(wish)
    repository.ensure()
    repository.unlock()
    told = _copy(repository, wish, places)
    told["read"] = wish.get("read") or plan_reading(repository.get_stored_bytes(), int(wish["day"]))
    repository.run("check", "--read-data-subset", told["read"])
    _keep_card(repository, told, wish)
    return {**told, "seconds": round(time.monotonic() - began, 2)}


def _keep_card(repository: Repository, told: Mapping[str, Any], wish: Mapping[str, Any]) -> None:
    """Last, so that whoever looks for a card finds only what counts."""
    card = {
        "snapshot": told["snapshot"],
        "tally": told["tally"],
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "card": wish["card"],
    }
    text = json.dumps(card, sort_keys=True)
    repository.keep_card(told["snapshot"], str(wish["community"]), text)


def _copy(repository: Repository, wish: Mapping[str, Any], places: Places) -> dict[str, Any]:
    flaws: tuple[str, ...] = ()
    for _ in range(TRIES):
        told, flaws = _copy_once(repository, wish, places)
        if not flaws:
            return told
        repository.forget([told["snapshot"]], prunes=False)
    raise BackupFailed("; ".join(flaws), reason="; ".join(flaws))


def _copy_once(
    repository: Repository, wish: Mapping[str, Any], places: Places
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The snapshot with what was counted in it, and what is wrong with it."""
    copies: dict[str, str] = dict(wish["copies"])
    left_out = find_left_out(copies, wish["leave_out"])
    before = list_files(places.data, left_out)
    rows = count_copies(copies, {copy: places.data / copy for copy in copies.values()})
    snapshot = repository.back_up(str(places.data), str(wish["community"]), left_out)
    after = list_files(places.data, left_out)
    copied = repository.list_files(snapshot, str(places.data))
    read_back = _read_rows(repository, snapshot, copies, places)
    flaws = find_flaws(before, after, copied) + compare_rows(rows, read_back)
    return {"snapshot": snapshot, "tally": make_tally(copied, read_back).to_json()}, flaws


def _read_rows(
    repository: Repository, snapshot: str, copies: Mapping[str, str], places: Places
) -> dict[str, int]:
    """Rows of the databases as they come back out of the repository."""
    found: dict[str, Path] = {}
    try:
        for number, copy in enumerate(copies.values()):
            found[copy] = places.scratch / f"read-back-{number}.sqlite3"
            repository.dump(snapshot, f"{places.data}/{copy}", found[copy])
        return count_copies(copies, found)
    finally:
        for path in found.values():
            path.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(run_job("back-up", back_up))
