"""Every night a backup, every week a drill, and never many at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from provisioner.core.upkeep import AT_ONCE, Kept, choose_backups, choose_drills

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
NIGHT = datetime(2026, 3, 10, 1, tzinfo=UTC)
OLD = NOON - timedelta(days=40)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_whoever_has_none_since_the_night_began_is_due():
    kept = [
        Kept("late", OLD, backed_up_at=NIGHT - MINUTE),
        Kept("done", OLD, backed_up_at=NIGHT + MINUTE),
        Kept("young", NIGHT + HOUR),
        Kept("never", NIGHT - HOUR),
    ]
    assert set(choose_backups(kept, NOON, 0)) == {"late", "never"}


def test_before_the_night_nobody_is_due_who_had_one_the_night_before():
    kept = [Kept("a", OLD, backed_up_at=NIGHT - DAY + MINUTE)]
    assert choose_backups(kept, NIGHT - MINUTE, 0) == []
    assert choose_backups(kept, NIGHT, 0) == ["a"]


def test_one_that_failed_is_tried_again_after_an_hour():
    def tried(before):
        return [Kept("a", OLD, backed_up_at=OLD, tried_at=NOON - before)]

    half = Kept("a", OLD, backed_up_at=NOON, tried_at=NOON - HOUR, try_failed=True)
    assert choose_backups([half], NOON, 0) == ["a"], "not every shelf has a copy"
    assert choose_backups(tried(59 * MINUTE), NOON, 0) == []
    assert choose_backups(tried(HOUR), NOON, 0) == ["a"]


def test_few_at_once_and_the_longest_without_one_first():
    kept = [Kept(str(n), OLD, backed_up_at=OLD + n * HOUR) for n in range(9)]
    assert choose_backups(kept, NOON, 0) == ["0", "1"]
    assert choose_backups(kept, NOON, 1) == ["0"]
    assert choose_backups(kept, NOON, AT_ONCE + 3) == []


def test_a_drill_every_week_and_a_day_after_one_that_failed():
    def drilled(before, *, failed=False):
        return [Kept("a", OLD, NOON, drilled_at=NOON - before, drill_failed=failed)]

    assert choose_drills(drilled(7 * DAY), NOON, 0) == ["a"]
    assert choose_drills(drilled(7 * DAY - MINUTE), NOON, 0) == []
    assert choose_drills(drilled(DAY, failed=True), NOON, 0) == ["a"]
    assert choose_drills(drilled(DAY - MINUTE, failed=True), NOON, 0) == []


def test_the_first_drill_comes_an_hour_after_the_first_backup():
    assert choose_drills([Kept("a", OLD, NOON - HOUR)], NOON, 0) == ["a"]
    assert choose_drills([Kept("a", OLD, NOON - MINUTE)], NOON, 0) == []
    assert choose_drills([Kept("a", OLD)], NOON, 0) == []
