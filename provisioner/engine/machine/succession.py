"""What runs, what shall run, and how the one follows the other: started, upgraded, or put back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from provisioner.core.own_upgrade import Journal, Next, is_due, keep_unchanged, plan_next
from provisioner.engine.context import Context
from provisioner.engine.machine.own_beginning import begin_upgrade, begin_way_back
from provisioner.engine.machine.own_journal import (
    find_journal,
    find_standing,
    find_way_back,
    record_standing,
)
from provisioner.engine.machine.own_upgrade import OwnUpgrade
from provisioner.errors import DatabaseNewer, OperatorError, UpgradeRefused
from provisioner.models.lineup import Lineup
from provisioner.settings import Settings

Say = Callable[[str], None]
CUT_OFF = "It was interrupted."


def refuse_newer_database(context: Context) -> None:
    """Raises DatabaseNewer before anything is changed, unless an upgrade that is not decided can be
    put back: then the database becomes one that this version knows."""
    revision = find_revision(context)
    if context.store.knows(revision):
        return
    journal = find_journal(context.settings)
    if journal and plan_next(journal, None) is Next.FINISH:
        OwnUpgrade(context, journal, lambda _: None).finish()  # people are held
    elif journal and context.store.knows(journal.old.revision):
        return
    raise DatabaseNewer(revision, revision=revision)


def find_revision(context: Context) -> str:
    """The form of the database; "" while there is none."""
    if not _has_database(context.settings):
        return ""
    found = context.store.find_revision()
    context.store.close()  # the last to leave takes SQLite's side files along
    return found


def settle_decided(context: Context, say: Say) -> Journal | None:
    """Finish what was decided, or has to be put back in any case. Returns what may go on."""
    journal = find_journal(context.settings)
    if journal is None:
        return None
    say(f"An upgrade of the control plane was interrupted while it was {journal.phase}")
    upgrade = OwnUpgrade(context, journal, say)
    if plan_next(journal, journal.new) is Next.FINISH:
        upgrade.finish()
    elif plan_next(journal, journal.new) is Next.PUT_BACK or not _knows_both(context, journal):
        upgrade.put_back(CUT_OFF)
    else:
        return journal
    return None


def put_back_unfinished(context: Context, journal: Journal | None, say: Say) -> None:
    if journal:
        OwnUpgrade(context, journal, say).put_back(CUT_OFF)


def converge(
    context: Context,
    wanted: Lineup,
    journal: Journal | None,
    start: Callable[[Lineup], None],
    say: Say,
    *,
    is_published: bool,
) -> None:
    """Make `wanted` run: go on with what was begun, upgrade, or just `start` it where nothing has
    run before, or nothing differs. Raises PutBack, and whatever `start` raises."""
    standing = find_standing(context.settings)
    if standing:
        wanted = keep_unchanged(wanted, standing)
    if journal and plan_next(journal, wanted) is Next.GO_ON:
        return OwnUpgrade(context, journal, say).run()
    put_back_unfinished(context, journal, say)
    if standing:
        standing = replace(standing, revision=find_revision(context))
    if standing and is_due(standing, wanted):
        upgrade = begin_upgrade(context, standing, wanted, is_published=is_published, say=say)
        return upgrade.run()
    start(wanted)
    record_standing(context.settings, wanted)
    return None


def go_back(context: Context, say: Say, *, may_lose: bool) -> Lineup:
    """To what ran before the last upgrade. Raises UpgradeRefused, PutBack and OperatorError."""
    settings = context.settings
    if journal := find_journal(settings):
        if not journal.is_back:
            raise OperatorError("an upgrade was interrupted: run ./taarafo up first")
        if plan_next(journal, journal.new) is Next.GO_ON:
            OwnUpgrade(context, journal, say).run()
            return journal.new
        settle_decided(context, say)
    standing, back = find_standing(settings), find_way_back(settings)
    if standing is None or back is None:
        raise UpgradeRefused(
            reason="What ran before is not kept here any more, or there was nothing before.",
            advice="Stay with this one.",
        )
    standing = replace(standing, revision=find_revision(context))
    begin_way_back(context, standing, back[1], may_lose=may_lose, say=say).run()
    return back[1]


def _knows_both(context: Context, journal: Journal) -> bool:
    """Whether this version's migrations lead from the one to the other."""
    return context.store.knows(journal.old.revision) and context.store.knows(journal.new.revision)


def _has_database(settings: Settings) -> bool:
    path = settings.database.removeprefix("sqlite:///")
    return path == settings.database or Path(path).exists()
