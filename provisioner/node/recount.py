"""Count what a community has now: its files, and the rows of its consistent copies.

python3 -m provisioner.node.recount '{"copies": …, "leave_out": […]}'
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from provisioner.core.tally import find_left_out, make_tally
from provisioner.node.listing import count_copies, list_files
from provisioner.node.places import INSIDE, Places
from provisioner.node.report import run_job


def recount(wish: Mapping[str, Any], places: Places = INSIDE) -> dict[str, Any]:
    """Raises BackupFailed for a copy that is missing or damaged."""
    copies: dict[str, str] = dict(wish["copies"])
    files = list_files(places.data, find_left_out(copies, wish["leave_out"]))
    rows = count_copies(copies, {copy: places.data / copy for copy in copies.values()})
    return {"tally": make_tally(files, rows).to_json()}


if __name__ == "__main__":
    sys.exit(run_job("recount", recount))
