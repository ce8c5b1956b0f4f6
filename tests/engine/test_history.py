"""What is kept of recorded checks: bounded, right under a crowd, and gone with the community."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from sqlmodel import func, select

from provisioner.core.strip import DAYS_SHOWN
from provisioner.engine.checks.attest import record_verdict
from provisioner.engine.checks.history import CHANGES_KEPT, read_history, record_in_history
from provisioner.engine.operations import run_operation
from provisioner.engine.remove import request_removal
from provisioner.engine.remove_steps import free_name
from provisioner.engine.work import Work
from provisioner.models.community import CommunityState
from provisioner.models.history import DayOfVerdicts, VerdictChange
from provisioner.models.verdict import Finding, Outcome, Verdict
from tests.engine.test_create import ask
from tests.fakes import START, make_context

FIRST = "app/taarafo/stable/1.0.0/release.json"
NEXT = "app/taarafo/stable/1.1.0/release.json"
SILENT = Verdict(Outcome.UNVERIFIABLE, (Finding("signature", Outcome.UNVERIFIABLE, "Silence."),))


def verdict(outcome=Outcome.GENUINE, release=FIRST):
    return Verdict(outcome, (Finding("files", outcome, "What was found."),), release=release)


@pytest.fixture
def found():
    """What every check finds; a test may put another one there."""
    return {"now": verdict()}


@pytest.fixture
def context(tmp_path, monkeypatch, found):
    monkeypatch.setattr("provisioner.engine.checks.attest.check_community", lambda *_: found["now"])
    return make_context(tmp_path)


@pytest.fixture
def community(context):
    return live(context)


def live(context):
    community, operation = ask(context)
    run_operation(context, operation.id)
    return context.store.get_community(community.id)


def remove(context, community):
    removal = request_removal(
        context, community, typed=community.label, even_without_backup=True, requested_by="test"
    )
    run_operation(context, removal.id)


def count_rows(context):
    with context.store.session(writes=False) as session:
        return sum(
            session.exec(select(func.count()).select_from(rows)).one()
            for rows in (DayOfVerdicts, VerdictChange)
        )


def test_a_day_keeps_the_worst_and_counts_all(context, community, found):
    for outcome in (Outcome.OUTDATED, Outcome.MODIFIED, Outcome.STALE, Outcome.GENUINE):
        context.clock.sleep(240)
        found["now"] = verdict(outcome)
        record_verdict(context, community)
    (day,) = read_history(context, community.id).days
    assert (day.day, day.outcome, day.checks, day.genuine) == (START.date(), "MODIFIED", 5, 2)
    assert (day.first_at, day.last_at) == (START, START + timedelta(minutes=16))


def test_a_change_is_kept_and_a_repetition_is_not(context, community, found):
    steps = [
        verdict(),
        verdict(Outcome.MODIFIED),
        verdict(Outcome.MODIFIED),
        verdict(release=NEXT),
        verdict(release=NEXT),
        verdict(),
    ]
    for found["now"] in steps:
        context.clock.sleep(240)
        record_verdict(context, community)
    changes = read_history(context, community.id).changes
    assert [(c.outcome_before, c.outcome, c.release_before, c.release) for c in changes[::-1]] == [
        ("", "GENUINE", "", FIRST),
        ("GENUINE", "MODIFIED", FIRST, FIRST),
        ("MODIFIED", "GENUINE", FIRST, NEXT),
        ("GENUINE", "GENUINE", NEXT, FIRST),
    ]
    assert [c.at for c in changes] == sorted((c.at for c in changes), reverse=True)
    assert len(read_history(context, community.id, changes=2).changes) == 2


def test_a_day_ends_at_midnight_utc_wherever_the_clock_hangs(context, community):
    late = datetime(2026, 1, 3, 0, 30, tzinfo=timezone(timedelta(hours=13)))  # 2 January, UTC
    with context.store.session() as session:
        record_in_history(session, community.id, verdict(), late)
        record_in_history(session, community.id, verdict(), late + timedelta(hours=14))
    days = read_history(context, community.id).days
    assert [(day.day, day.checks) for day in days] == [(date(2026, 1, 2), 2), (date(2026, 1, 3), 1)]
    assert days[0].last_at == late.astimezone(UTC)


def test_years_of_checks_take_no_more_room_than_three_months(context, community):
    """Every outcome follows another one, so that every check is a change."""
    outcomes = list(Outcome)
    with context.store.session() as session:
        for number in range(4 * 365 * 2):
            moment = START + timedelta(hours=12 * number)
            outcome = outcomes[number % len(outcomes)]
            record_in_history(session, community.id, verdict(outcome), moment)
    history = read_history(context, community.id)
    assert (len(history.days), len(history.changes)) == (DAYS_SHOWN, CHANGES_KEPT)
    assert history.days[-1].day == moment.date()
    assert history.days[-1].day - history.days[0].day == timedelta(days=DAYS_SHOWN - 1)
    assert history.changes[0].at == moment
    assert count_rows(context) == DAYS_SHOWN + CHANGES_KEPT


def test_pruning_one_leaves_the_others(context, community):
    other, _ = ask(context, "Oak Street")
    with context.store.session() as session:
        record_in_history(session, other.id, verdict(), START)
        for number in range(200):
            moment = START + timedelta(days=number)
            record_in_history(session, community.id, verdict(release=str(number)), moment)
    history = read_history(context, other.id)
    assert (len(history.days), len(history.changes)) == (1, 1)


def test_many_who_record_at_once_lose_nothing(context, community):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: record_verdict(context, community), range(40)))
    history = read_history(context, community.id)
    assert history.days[0].checks == 41
    assert len(history.changes) == 1


def test_the_history_begins_with_the_first_report(context, found):
    found["now"] = SILENT
    community = live(context)
    assert count_rows(context) == 0
    assert context.store.get_community(community.id).verdict == "UNVERIFIABLE"
    for found["now"] in (verdict(), SILENT):
        record_verdict(context, community)
    assert [c.outcome for c in read_history(context, community.id).changes] == [
        "UNVERIFIABLE",
        "GENUINE",
    ]


def test_removal_forgets_all_that_was_found(context, community):
    assert count_rows(context) == 2
    remove(context, community)
    gone = context.store.get_community(community.id)
    assert count_rows(context) == 0
    assert (gone.verdict, gone.verdict_detail, gone.checked_at) == ("", {}, None)
    following = live(context)
    assert following.address == community.address
    assert len(read_history(context, following.id).changes) == 1, "nothing was inherited"


def test_a_check_that_was_under_way_brings_nothing_back(context, community, monkeypatch):
    def check_slowly(*_):
        remove(context, community)
        return verdict(Outcome.MODIFIED)

    monkeypatch.setattr("provisioner.engine.checks.attest.check_community", check_slowly)
    assert record_verdict(context, community).outcome == Outcome.MODIFIED
    assert count_rows(context) == 0
    assert context.store.get_community(community.id).verdict == ""


def test_freeing_a_name_twice_is_freeing_it_once(context, community):
    """A worker that was killed right after it does the step again."""
    removal = request_removal(
        context, community, typed=community.label, even_without_backup=True, requested_by="test"
    )
    run_operation(context, removal.id)
    again = Work(context, removal, context.store.get_community(community.id), log=print)
    free_name(again)
    assert again.community.state == CommunityState.REMOVED


def test_what_it_costs_to_read_does_not_grow(context, community):
    with context.store.session() as session:
        for number in range(90):
            moment = START + timedelta(days=number)
            record_in_history(session, community.id, verdict(release=str(number)), moment)
        for table in ("day_of_verdicts", "verdict_change"):
            order = "day" if table == "day_of_verdicts" else "id DESC"
            plan = session.connection().exec_driver_sql(
                f"EXPLAIN QUERY PLAN SELECT * FROM {table} WHERE community_id = ? ORDER BY {order}",  # noqa: S608
                (community.id,),
            )
            (step,) = [row[-1] for row in plan]
            assert step.startswith("SEARCH"), step


def test_a_verdict_is_read_back_as_it_was_kept(context, community, found):
    from provisioner.models.verdict import read_verdict

    found["now"] = replace(
        verdict(Outcome.CLOCK_SKEW),
        findings=(Finding("time", Outcome.CLOCK_SKEW, "…", ("/a", "/b")),),
    )
    record_verdict(context, community)
    kept = context.store.get_community(community.id).verdict_detail
    assert read_verdict(kept) == found["now"]
    with pytest.raises(ValueError, match="outcome"):
        read_verdict({})
