"""So many questions for each community, so many for all: exactly, and never more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.agent.allowance import EACH, TOGETHER, Allowance, Rate


def test_three_at_once_then_one_in_ten_seconds() -> None:
    allowance = Allowance()
    assert [allowance.take("a", 1, 100.0) for _ in range(4)] == [0, 0, 0, 10]
    assert allowance.take("a", 1, 101.5) == 9
    assert allowance.take("a", 1, 110.0) == 0
    assert allowance.take("a", 1, 110.0) == 10


def test_one_community_does_not_use_up_anothers() -> None:
    allowance = Allowance()
    for _ in range(9):
        allowance.take("a", 1, 100.0)
    assert allowance.take("b", 1, 100.0) == 0


def test_all_together_have_a_limit_too() -> None:
    allowance = Allowance()
    answers = [allowance.take(str(number), 1, 100.0) for number in range(12)]
    assert answers == [0] * 10 + [1, 1]


def test_what_costs_three_takes_the_whole_burst() -> None:
    allowance = Allowance()
    assert allowance.take("a", 3, 100.0) == 0
    assert allowance.take("a", 1, 100.0) == 10
    assert allowance.take("a", 3, 100.0) == 30


def test_a_clock_that_stands_still_gives_nothing() -> None:
    allowance = Allowance(Rate(1, 10), Rate(10, 1))
    assert allowance.take("a", 1, 100.0) == 0
    assert allowance.take("a", 1, 90.0) == 10


def test_memory_does_not_grow_with_names() -> None:
    allowance = Allowance(together=Rate(10**9, 1))
    for number in range(5000):
        assert allowance.take(f"host{number}", 1, float(number)) == 0
    assert len(allowance._buckets) < 1100


@given(
    st.lists(
        st.tuples(st.floats(0, 30), st.sampled_from("abcd"), st.sampled_from([1, 3])), max_size=60
    )
)
def test_never_more_than_the_burst_and_what_time_gave(
    questions: list[tuple[float, str, int]],
) -> None:
    allowance, now, taken = Allowance(), 1000.0, dict.fromkeys("abcd", 0)
    for pause, host, cost in questions:
        now += pause
        wait = allowance.take(host, cost, now)
        assert wait >= 0
        if not wait:
            taken[host] += cost
    passed = now - 1000.0
    assert all(each <= EACH.burst + passed / EACH.seconds + 1e-6 for each in taken.values())
    assert sum(taken.values()) <= TOGETHER.burst + passed / TOGETHER.seconds + 1e-6


@pytest.mark.parametrize("host", ["a", "b"])
def test_who_waits_as_long_as_told_is_answered(host: str) -> None:
    allowance, now = Allowance(), 5.25
    for _ in range(20):
        now += allowance.take(host, 1, now)
    assert allowance.take(host, 1, now + 10) == 0
