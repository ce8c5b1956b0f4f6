"""What to do with an upgrade of the control plane itself: begin, go on, put back, finish. Pure.

From the moment that the copy of the database is made until it is decided which version stays,
nobody writes. So the copy is the whole truth when it is put back, and once it was put back, or the
new version was let in, it never is again (docs/decisions/the-control-plane-upgrades-itself.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import TypeAdapter, ValidationError

from provisioner.core.versions import version_of
from provisioner.models.lineup import Lineup
from provisioner.models.service import ServiceSpec
from provisioner.models.verdict import Outcome

RELEASE_LABEL = "org.taarafo.release"
KEPT_ALWAYS = 3  # copies
KEPT_AT_LEAST = timedelta(days=1)
PRECIOUS = ("community", "operation", "operator", "backup")  # tables


class Phase(StrEnum):
    """How far it is. Each is written down before what it stands for begins."""

    RESTING = "resting"  # the worker comes to rest, everything else serves
    STOPPING = "stopping"  # the door is closed, web and worker end
    KEEPING = "keeping"  # the database is copied
    MIGRATING = "migrating"
    STARTING = "starting"
    PROVING = "proving"  # all parts run; nobody is let in, and nothing is written
    COMMITTED = "committed"  # the new one stays
    PUTTING_BACK = "putting-back"
    RESTORED = "restored"  # the database is as it was; the old parts are started


class Next(StrEnum):
    """What whoever finds an unfinished upgrade has to do first."""

    GO_ON = "go-on"
    PUT_BACK = "put-back"
    FINISH = "finish"


@dataclass(frozen=True)
class Journal:
    """One upgrade, or one way back, as it is written down. `id` names the folder of its copy."""

    id: str
    phase: Phase
    began_at: datetime
    old: Lineup
    new: Lineup
    has_copy: bool = False
    is_back: bool = False
    may_lose: bool = False  # on a way back: the operator said so twice
    rows: Mapping[str, int] = field(default_factory=dict)  # of each table, when it was copied
    verdict_before: str = ""  # of the control plane itself, while the old one ran
    is_published: bool = True  # whether everybody can look the new release up
    reason: str = ""  # why it is put back

    def at(self, phase: Phase, **more: object) -> Journal:
        return replace(self, phase=phase, **more)  # type: ignore[arg-type]

    def as_json(self) -> bytes:
        return _JOURNAL.dump_json(self, indent=1)


def read_journal(raw: bytes) -> Journal:
    """Raises ValueError for what is none."""
    try:
        return _JOURNAL.validate_json(raw)
    except ValidationError as error:
        raise ValueError(str(error)) from error


def name_upgrade(old: Lineup, now: datetime) -> str:
    """Sorts by time, and says what it leads back to."""
    return f"{now:%Y%m%dT%H%M%SZ}-{version_of(old.release)}"


def keep_unchanged(wanted: Lineup, standing: Lineup) -> Lineup:
    """The edge is left running when nothing but the release's name would change in it: all
    communities are reached through it."""
    running = {part.name: part for part in standing.parts}

    def choose(part: ServiceSpec) -> ServiceSpec:
        before = running.get(part.name)
        is_same = before is not None and _unnamed(before) == _unnamed(part)
        return before if before and is_same and part.name.endswith("-edge") else part

    return replace(wanted, parts=tuple(choose(part) for part in wanted.parts))


def is_due(standing: Lineup, wanted: Lineup) -> bool:
    """Whether anything that runs, or the form of the database, is another one."""
    return (standing.parts, standing.revision) != (wanted.parts, wanted.revision)


def plan_next(journal: Journal, wanted: Lineup | None) -> Next:
    """`wanted` is what this run would start; None while that is not known, or cannot be made."""
    if journal.phase is Phase.COMMITTED:
        return Next.FINISH
    if journal.phase in (Phase.PUTTING_BACK, Phase.RESTORED) or wanted is None:
        return Next.PUT_BACK
    is_same = not is_due(journal.new, wanted) and journal.new.release == wanted.release
    return Next.GO_ON if is_same else Next.PUT_BACK


def is_decided(journal: Journal) -> bool:
    """Whether the database is the one that stays, so that the copy must not be put back."""
    return journal.phase in (Phase.COMMITTED, Phase.RESTORED)


def judge_rows(before: Mapping[str, int], after: Mapping[str, int]) -> str:
    """Why a migrated database cannot be right, in a sentence; "" when all that counts is there."""
    for table in PRECIOUS:
        if table in before and after.get(table, 0) < before[table]:
            lost = before[table] - after.get(table, 0)
            return f"After the migration the database lacked {say_lost({table: lost})}."
    return ""


def judge_verdict(journal: Journal, outcome: Outcome, release: str) -> str:
    """Why a verdict on what was started speaks against it, in a sentence, or "".

    What was not good before, and what only says that others cannot look the release up yet, is not
    the new version's doing. Whoever goes back runs what is outdated. A good one has to be about the
    release that was started: the report before is there for a moment longer.
    """
    if outcome in (Outcome.GENUINE, Outcome.OUTDATED) and release != journal.new.release:
        return "The check of the control plane still found another release."
    excused = {Outcome.GENUINE, journal.verdict_before}
    excused |= {Outcome.OUTDATED} if journal.is_back else set()
    excused |= set() if journal.is_published else {Outcome.UNVERIFIABLE}
    return "" if outcome in excused else f"The check of the control plane said {outcome}."


def say_lost(lost: Mapping[str, int]) -> str:
    """E.g. `3 rows of rollout and 1 row of community`."""
    told = [f"{n} row{'s' * (n != 1)} of {name}" for name, n in sorted(lost.items())]
    return " and ".join(filter(None, [", ".join(told[:-1]), *told[-1:]]))


def choose_forgotten(
    kept: Mapping[str, datetime], needed: Sequence[str], now: datetime
) -> list[str]:
    """Which copies may go, by their ids and the time of each: all but the newest three, those of
    the last day, and those that something still needs."""
    newest = sorted(kept, key=lambda each: kept[each], reverse=True)[:KEPT_ALWAYS]
    stay = {*newest, *needed}
    return sorted(i for i, at in kept.items() if i not in stay and now - at > KEPT_AT_LEAST)


def choose_stale(kept: Mapping[str, datetime], days: int, now: datetime) -> list[str]:
    """Of which the copy of the database goes, so that nobody who was forgotten stays in one. The
    way back does not need it."""
    return sorted(i for i, at in kept.items() if now - at > timedelta(days=days))


def _unnamed(part: ServiceSpec) -> ServiceSpec:
    return replace(part, labels={k: v for k, v in part.labels.items() if k != RELEASE_LABEL})


_JOURNAL = TypeAdapter(Journal)
