"""What going back to an earlier control plane would lose."""

from __future__ import annotations

from pathlib import Path

from provisioner.core.own_upgrade import Journal, say_lost
from provisioner.engine.context import Context
from provisioner.errors import UpgradeRefused
from provisioner.store.copies import list_lost


def refuse_loss(context: Context, journal: Journal, copy: Path) -> None:
    """Look in a copy of the database, unless whoever asks knows. Raises UpgradeRefused."""
    if journal.may_lose or journal.old.revision == journal.new.revision:
        return
    scratch = copy.with_name("tried.sqlite3")
    try:
        lost = list_lost(copy, journal.new.revision, context.store.migrations, scratch)
    finally:
        for path in copy.parent.glob(f"{scratch.name}*"):
            path.unlink()
    if lost:
        raise UpgradeRefused(
            reason=f"The version before cannot keep {say_lost(lost)}.",
            advice="Stay with this one, or say `--without-new` to go back without them.",
        )
