"""Find the newest backup in a repository that counts, and tell its card. It writes nothing there.

python3 -m provisioner.node.find_card '{"repository": …, "is_ours": false, "snapshot": ""}'
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from provisioner.errors import BackupFailed
from provisioner.node.places import INSIDE, Places
from provisioner.node.report import run_job


def find_card(wish: Mapping[str, Any], places: Places = INSIDE) -> dict[str, Any]:
    """Its `snapshot`, `tally`, `made_at` and its `card`, which is sealed with the words.

    `snapshot` in the wish is the beginning of the one that is wanted; empty: the newest. Raises
    BackupFailed.
    """
    repository = places.open_repository(wish)
    cards = repository.list_cards()
    fitting = [each for each in cards if each.startswith(str(wish["snapshot"]))]
    if not fitting:
        what = "none that is called so" if cards else "none that counts"
        raise BackupFailed(what, reason=f"there are backups at that place, but {what}")
    told: dict[str, Any] = json.loads(repository.read_card(cards[fitting[-1]]))
    return told


if __name__ == "__main__":
    sys.exit(run_job("find-card", find_card))
