"""Whatever the rules and however many backups there are, the right ones stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.retention import Rules, choose_forgotten, choose_kept

moments = st.lists(
    st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)), max_size=60
)
rules = st.builds(
    Rules,
    last=st.integers(1, 5),
    days=st.integers(0, 9),
    weeks=st.integers(0, 6),
    months=st.integers(0, 9),
)


def nightly(days):
    return [datetime(2026, 6, 30, 1, 5, tzinfo=UTC) - timedelta(days=n) for n in range(days)]


def test_a_year_of_nights_keeps_days_then_weeks_then_months():
    kept = sorted(choose_kept(nightly(365), Rules()), reverse=True)
    assert [f"{each:%m-%d}" for each in kept] == [
        *("06-30", "06-29", "06-28", "06-27", "06-26", "06-25", "06-24"),  # seven days
        *("06-21", "06-14"),  # Sundays: the newest of their weeks
        *("05-31", "04-30", "03-31", "02-28", "01-31"),  # the newest of their months
    ]


@given(moments, rules)
def test_nothing_is_both_kept_and_forgotten(made, chosen):
    kept, forgotten = choose_kept(made, chosen), choose_forgotten(made, chosen)
    assert kept | forgotten == set(made)
    assert not kept & forgotten


@given(moments, rules)
def test_the_newest_always_stay(made, chosen):
    assert set(sorted(set(made))[-chosen.last :]) <= choose_kept(made, chosen)


@given(moments, rules)
def test_each_of_the_newest_days_keeps_its_newest(made, chosen):
    kept = choose_kept(made, chosen)
    days = sorted({each.date() for each in made}, reverse=True)[: chosen.days]
    for day in days:
        assert max(each for each in made if each.date() == day) in kept


@given(moments, rules)
def test_no_more_stay_than_the_rules_say(made, chosen):
    most = chosen.last + chosen.days + chosen.weeks + chosen.months
    assert len(choose_kept(made, chosen)) <= most


@given(moments, rules)
def test_forgetting_twice_forgets_nothing_more(made, chosen):
    kept = choose_kept(made, chosen)
    assert choose_kept(kept, chosen) == kept


@pytest.mark.parametrize("wrong", [{"last": 0}, {"days": -1}, {"months": -2}])
def test_rules_that_keep_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match=r"kept|below"):
        Rules(**wrong)
