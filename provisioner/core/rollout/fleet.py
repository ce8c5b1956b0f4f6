"""A fleet as one decision sees it: how many stand where, and who waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from provisioner.core.rollout.standing import Standing, find_standing
from provisioner.core.rollout.values import Member, Pace, Rollout


@dataclass(frozen=True)
class Fleet:
    """`failed` and `done` are numbers of communities; only who may still move is kept itself."""

    waiting: Sequence[Member]
    running: Sequence[Member]
    postponed: Sequence[Member]
    done: int
    failed: int
    there: int
    pinned: int
    unreachable: int

    @property
    def ended(self) -> int:
        return self.done + self.failed

    @property
    def attempted(self) -> int:
        return self.ended + len(self.running)

    @property
    def size(self) -> int:
        """How many the waves are made of. Who is pinned, has postponed it, has it without this
        rollout or needs another release first is in none, as long as that lasts."""
        return self.attempted + len(self.waiting)


def look(rollout: Rollout, members: Iterable[Member], pace: Pace, now: datetime) -> Fleet:
    """Each community counted once, where it stands now."""
    kept: dict[Standing, list[Member]] = {each: [] for each in _KEPT}
    counts: Counter[Standing] = Counter()
    for member in members:
        standing = find_standing(member, rollout, pace, now)
        counts[standing] += 1
        if standing in _KEPT:
            kept[standing].append(member)
    return Fleet(
        waiting=kept[Standing.WAITING],
        running=kept[Standing.RUNNING],
        postponed=kept[Standing.POSTPONED],
        done=counts[Standing.DONE],
        failed=counts[Standing.FAILED],
        there=counts[Standing.THERE],
        pinned=counts[Standing.PINNED],
        unreachable=counts[Standing.UNREACHABLE],
    )


_KEPT = (Standing.WAITING, Standing.RUNNING, Standing.POSTPONED)
