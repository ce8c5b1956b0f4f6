"""The strip of 90 days and the sentence that says the same."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.strip import DAYS_SHOWN, NOTHING, describe_strip, plan_strip, say_days
from provisioner.models.history import DayOfVerdicts
from provisioner.models.verdict import Outcome, worst_of
from tests.fakes import START

TODAY = date(2026, 5, 9)


def day(number, outcome=Outcome.GENUINE):
    """`number` days before today."""
    return DayOfVerdicts(
        community_id="c",
        day=TODAY - timedelta(days=number),
        outcome=outcome,
        checks=1,
        genuine=0,
        first_at=START,
        last_at=START,
    )


def test_there_is_one_cell_a_day_and_the_last_is_today():
    cells = plan_strip([day(0), day(3), day(89), day(90), day(-1)], TODAY)
    assert len(cells) == DAYS_SHOWN == 90
    assert cells[-1].day == TODAY
    assert [TODAY - cell.day for cell in cells if cell.seen] == [
        timedelta(days=number) for number in (89, 3, 0)
    ]


def test_the_sentence_says_what_the_cells_show():
    bad = {6: Outcome.MODIFIED, 7: Outcome.MODIFIED, 1: Outcome.STALE, 20: Outcome.UNKNOWN}
    cells = plan_strip([day(n, bad.get(n, Outcome.GENUINE)) for n in range(43)], TODAY)
    assert describe_strip(cells) == (
        "GENUINE on 39 of 43 days; MODIFIED on 2 and 3 May; UNKNOWN on 19 April; STALE on 8 May."
    )


def test_nothing_good_and_nothing_at_all_are_said_too():
    assert describe_strip(plan_strip([], TODAY)) == NOTHING
    only = plan_strip([day(0, Outcome.REJECTED)], TODAY)
    assert describe_strip(only) == "GENUINE on 0 of 1 day; REJECTED on 9 May."


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ([0], "9 May"),
        ([1, 0], "8 and 9 May"),
        ([2, 1, 0], "7 to 9 May"),
        ([9, 8], "30 April and 1 May"),
        ([12, 11, 10, 9, 8], "27 April to 1 May"),
        ([20, 5, 4, 0], "19 April, 4 and 5 May, 9 May"),
        ([8, 6, 4, 2, 0], "5 days, the last of them 9 May"),
    ],
)
def test_days_are_said_as_people_say_them(numbers, said):
    assert say_days([TODAY - timedelta(days=number) for number in numbers]) == said


@given(st.dictionaries(st.integers(0, 120), st.sampled_from(Outcome)))
def test_no_day_that_was_not_genuine_is_left_out(found):
    cells = plan_strip([day(number, outcome) for number, outcome in found.items()], TODAY)
    said = describe_strip(cells)
    shown = {number: outcome for number, outcome in found.items() if number < DAYS_SHOWN}
    if not shown:
        assert said == NOTHING
        return
    genuine = sum(outcome is Outcome.GENUINE for outcome in shown.values())
    assert said.startswith(f"GENUINE on {genuine} of {len(shown)} day")
    parts = said.rstrip(".").split("; ")[1:]
    assert {part.split(" on ")[0] for part in parts} == set(shown.values()) - {Outcome.GENUINE}


@given(st.lists(st.sampled_from(Outcome), min_size=1))
def test_the_worst_of_a_day_does_not_hang_on_the_order(outcomes):
    step_by_step = outcomes[0]
    for outcome in outcomes:
        step_by_step = worst_of((step_by_step, outcome))
    assert step_by_step == worst_of(outcomes) == worst_of(reversed(outcomes))
