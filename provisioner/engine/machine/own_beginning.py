"""Look whether an upgrade of the control plane may begin. Nothing is changed yet."""

from __future__ import annotations

from pathlib import Path

from provisioner.core.own_upgrade import Journal, Phase, name_upgrade
from provisioner.engine.context import Context
from provisioner.engine.machine.own_loss import refuse_loss
from provisioner.engine.machine.own_upgrade import OwnUpgrade, Say
from provisioner.engine.machine.own_verdict import find_own_verdict
from provisioner.engine.machine.parts import is_healthy
from provisioner.errors import NotEnoughRoom
from provisioner.files import MEGABYTE
from provisioner.models.lineup import Lineup


def begin_upgrade(
    context: Context, old: Lineup, new: Lineup, *, is_published: bool, say: Say
) -> OwnUpgrade:
    """Look whether it may begin: what is there is sound, and there is room. Nothing is changed.

    A control plane that does not answer is upgraded all the same: that may be its cure. Raises
    NotEnoughRoom, DatabaseDamaged, SettingWrong.
    """
    return OwnUpgrade(context, _open_journal(context, old, new, say, is_published), say)


def begin_way_back(
    context: Context, old: Lineup, new: Lineup, *, may_lose: bool, say: Say
) -> OwnUpgrade:
    """The same for what ran before; also raises UpgradeRefused when words would be lost."""
    journal = _open_journal(context, old, new, say, is_published=True)
    journal = journal.at(Phase.RESTING, is_back=True, may_lose=may_lose)
    scratch = context.settings.upgrade_dir / "look.sqlite3"
    context.store.keep_copy(scratch)
    try:
        refuse_loss(context, journal, scratch)
    finally:
        scratch.unlink(missing_ok=True)
    return OwnUpgrade(context, journal, say)


def _open_journal(
    context: Context, old: Lineup, new: Lineup, say: Say, is_published: bool
) -> Journal:
    store, settings, now = context.store, context.settings, context.clock.now()
    store.refuse_damage()
    needed = settings.minimum_free_mb + 2 * _size(settings.database) // MEGABYTE
    if (free := context.room.free_mb()) < needed:
        raise NotEnoughRoom(str(settings.upgrade_dir), free_mb=free, needed_mb=needed)
    if not is_healthy(context):
        say("What is there does not answer. The new one may cure that; a way back would not.")
    verdict = find_own_verdict(context)
    return Journal(
        name_upgrade(old, now),
        Phase.RESTING,
        now,
        old,
        new,
        verdict_before=verdict.outcome if verdict else "",
        is_published=is_published,
    )


def _size(database: str) -> int:
    path = Path(database.removeprefix("sqlite:///"))
    return path.stat().st_size if path.is_file() else 0
