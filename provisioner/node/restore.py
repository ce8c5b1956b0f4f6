"""Bring one backup back into an empty folder, and count what came.

python3 -m provisioner.node.restore '{"repository": …, "snapshot": …, "copies": …, "tally": …}'
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

from provisioner.core.tally import Tally, compare_tallies, make_tally
from provisioner.errors import BackupFailed
from provisioner.node.listing import count_copies, list_files
from provisioner.node.places import INSIDE, Places
from provisioner.node.report import run_job


def restore(wish: Mapping[str, Any], places: Places = INSIDE) -> dict[str, Any]:
    """What was brought back, and how long that took. Raises BackupFailed when it is not whole."""
    repository = places.open_repository(wish)
    began = time.monotonic()
    repository.bring_back(str(wish["snapshot"]), places.target)
    seconds = time.monotonic() - began
    copies: dict[str, str] = dict(wish["copies"])
    rows = count_copies(copies, {copy: places.restored / copy for copy in copies.values()})
    found = make_tally(list_files(places.restored), rows)
    if flaws := compare_tallies(Tally.from_json(wish["tally"]), found):
        raise BackupFailed("; ".join(flaws), reason="; ".join(flaws))
    return {"tally": found.to_json(), "seconds": round(seconds, 2)}


if __name__ == "__main__":
    sys.exit(run_job("restore", restore))
