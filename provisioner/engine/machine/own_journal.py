"""What is written down of upgrades of the control plane, in `upgrade/` of the state folder.

`journal.json` is there while one is under way, `running.json` says what runs, and `kept/<id>` has
what ran before with a copy of the database as it was then.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from provisioner.core.own_upgrade import (
    Journal,
    choose_forgotten,
    choose_stale,
    read_journal,
)
from provisioner.errors import OperatorError
from provisioner.files import sync_folder, write_atomically
from provisioner.models.lineup import Lineup, read_lineup
from provisioner.models.service import ServiceSpec
from provisioner.settings import Settings

PRIVATE = 0o600


def find_journal(settings: Settings) -> Journal | None:
    """The upgrade that is under way, or was interrupted. Raises OperatorError."""
    path = _journal(settings)
    try:
        return read_journal(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise OperatorError(f"{path} cannot be read: {error}") from error


def record_journal(settings: Settings, journal: Journal) -> None:
    write_atomically(_journal(settings), journal.as_json(), mode=PRIVATE)


def close_journal(settings: Settings) -> None:
    _journal(settings).unlink(missing_ok=True)
    sync_folder(settings.upgrade_dir)


def find_standing(settings: Settings) -> Lineup | None:
    """What `up` started last, or None before the first time."""
    return _find_lineup(settings.upgrade_dir / "running.json")


def record_standing(settings: Settings, lineup: Lineup) -> None:
    path = settings.upgrade_dir / "running.json"
    if _find_lineup(path) != lineup:
        write_atomically(path, lineup.as_json(), mode=PRIVATE)


def record_part(settings: Settings, part: ServiceSpec) -> None:
    """One of them was started otherwise."""
    if standing := find_standing(settings):
        parts = tuple(part if each.name == part.name else each for each in standing.parts)
        record_standing(settings, replace(standing, parts=parts))


# -- what ran before -------------------------------------------------------------------------------


def copy_of(settings: Settings, kept: str) -> Path:
    """The copy of the database as it was then."""
    return settings.upgrade_dir / "kept" / kept / "taarafo.sqlite3"


def keep_lineup(settings: Settings, kept: str, lineup: Lineup) -> None:
    """From now on it can be gone back to."""
    write_atomically(_lineup_in(settings, kept), lineup.as_json(), mode=PRIVATE)


def list_kept(settings: Settings) -> dict[str, datetime]:
    """The ids of all copies, and when each was begun."""
    folder = settings.upgrade_dir / "kept"
    names = sorted(each.name for each in folder.iterdir()) if folder.is_dir() else []
    return {name: _moment_of(name) for name in names}


def find_way_back(settings: Settings) -> tuple[str, Lineup] | None:
    """The newest that ran before what runs, and the id it is kept under."""
    standing = find_standing(settings)
    for kept in sorted(list_kept(settings), reverse=True):
        lineup = _find_lineup(_lineup_in(settings, kept))
        if lineup and lineup != standing:
            return kept, lineup
    return None


def leave_way_back(settings: Settings, lineup: Lineup) -> None:
    """It was gone back to: only the copy of the database stays."""
    for kept in list_kept(settings):
        if _find_lineup(_lineup_in(settings, kept)) == lineup:
            _lineup_in(settings, kept).unlink()


def prune_kept(settings: Settings, now: datetime) -> None:
    """What nobody can need any more, and copies of the database that are older than the window in
    which communities can be gone back to."""
    kept, back = list_kept(settings), find_way_back(settings)
    for name in choose_forgotten(kept, [back[0]] if back else [], now):
        forget_kept(settings, name)
    for name in choose_stale(kept, settings.rollback_days, now):
        copy_of(settings, name).unlink(missing_ok=True)


def forget_kept(settings: Settings, kept: str) -> None:
    shutil.rmtree(settings.upgrade_dir / "kept" / kept, ignore_errors=True)


def _journal(settings: Settings) -> Path:
    return settings.upgrade_dir / "journal.json"


def _lineup_in(settings: Settings, kept: str) -> Path:
    return settings.upgrade_dir / "kept" / kept / "lineup.json"


def _find_lineup(path: Path) -> Lineup | None:
    try:
        return read_lineup(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise OperatorError(f"{path} cannot be read: {error}") from error


def _moment_of(kept: str) -> datetime:
    return datetime.strptime(kept.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
