"""Forget backups that the rules no longer keep, and give their room back.

python3 -m provisioner.node.thin_out '{"repository": …, "good": {snapshot: moment}, "rules": …}'
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from provisioner.core.retention import Rules, choose_forgotten
from provisioner.node.places import INSIDE, Places
from provisioner.node.report import run_job

UNKNOWN_KEPT = timedelta(days=7)


def thin_out(wish: Mapping[str, Any], places: Places = INSIDE) -> dict[str, Any]:
    """Which snapshots are gone. Raises BackupFailed.

    Only good ones are judged by the rules, so that none that does not count can take the place
    of one that does. Of the others, which nobody ever counted, those older than a week go, as long
    as a newer good one is there.
    """
    repository = places.open_repository(wish)
    repository.unlock()
    there = repository.list_snapshots()
    good = {
        datetime.fromisoformat(moment): snapshot
        for snapshot, moment in wish["good"].items()
        if snapshot in there
    }
    forgotten = [good[moment] for moment in choose_forgotten(good, Rules(**wish["rules"]))]
    if good:
        oldest = max(good) - UNKNOWN_KEPT
        known = set(good.values())
        forgotten += [each for each, at in there.items() if each not in known and at < oldest]
    repository.forget(sorted(forgotten))
    return {"forgotten": sorted(forgotten)}


if __name__ == "__main__":
    sys.exit(run_job("thin-out", thin_out))
