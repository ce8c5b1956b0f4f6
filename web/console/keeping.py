"""Her backups in plain words: when the last one was made, and when one was last tried out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from provisioner.core.appraisal.wording import count, say_age
from provisioner.engine.context import Context
from provisioner.models.backup import Backup, Drill
from provisioner.models.community import Community

LATE_AFTER = timedelta(days=2)
FIRST = "A copy of all of it is made every night. The first one is made tonight."
NONE_YET = "No copy has worked out yet. We try again by ourselves. Ask who runs this place why."
LATE = "The last good copy was made {age}. That is too long ago. Ask who runs this place why."
MADE = "A copy of all of it is made every night, and read back. The last one was made {age}."
NOT_TRIED = "We have not tried to bring one back yet. We do so soon, and then once a week."
TRIED = (
    "Last restored on {day}, in {seconds}: all {rows} came back. We tried it where nobody sees it."
)
FLAWED = "We tried to bring one back on {day}, and it did not work. Ask who runs this place why."


@dataclass(frozen=True)
class Sentence:
    text: str
    is_bad: bool = False


def describe_keeping(context: Context, community: Community) -> tuple[Sentence, Sentence]:
    """What is known of her backups, and of the last drill."""
    now, store = context.clock.now(), context.store
    backup = store.find_backups([community.id]).get(community.id)
    drill = store.find_drills([community.id]).get(community.id)
    return _say_backup(backup, community, now), _say_drill(drill)


def _say_backup(backup: Backup | None, community: Community, now: datetime) -> Sentence:
    if backup is None:
        is_late = now - (community.ready_at or community.created_at) > LATE_AFTER
        return Sentence(NONE_YET, is_bad=True) if is_late else Sentence(FIRST)
    is_late = now - backup.made_at > LATE_AFTER
    return Sentence((LATE if is_late else MADE).format(age=say_age(backup.made_at, now)), is_late)


def _say_drill(drill: Drill | None) -> Sentence:
    if drill is None:
        return Sentence(NOT_TRIED)
    day = f"{drill.made_at.day} {drill.made_at:%B %Y}"
    if drill.flaw:
        return Sentence(FLAWED.format(day=day), is_bad=True)
    seconds = count(max(1, round(drill.seconds)), "second")
    return Sentence(TRIED.format(day=day, seconds=seconds, rows=f"{drill.rows:,} entries"))
