"""A copy is whole, or it is said what is wrong with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.reading import PART_BYTES, plan_reading
from provisioner.core.tally import (
    Tally,
    compare_tallies,
    find_flaws,
    find_left_out,
    make_tally,
)

listings = st.dictionaries(
    st.sampled_from("abcdefgh"), st.tuples(st.integers(0, 3), st.integers(0, 3))
)


@given(listings)
def test_a_folder_at_rest_is_whole_only_when_everything_is_there(files):
    assert find_flaws(files, files, files) == ()
    for path in files:
        rest = {name: value for name, value in files.items() if name != path}
        assert find_flaws(files, files, rest)
        assert find_flaws(files, files, {**files, path: (99, 99)})
    assert find_flaws(files, files, {**files, "strange": (1, 1)})


@given(listings, listings)
def test_what_came_or_went_meanwhile_may_be_there_or_not(before, more):
    came = {f"new-{name}": value for name, value in more.items()}
    assert find_flaws(before, before | came, before) == ()
    assert find_flaws(before, before | came, before | came) == ()
    assert find_flaws(before | came, before, before) == ()


def test_what_was_changed_meanwhile_is_named():
    flaws = find_flaws({"a": (1, 1), "b": (1, 1)}, {"a": (1, 2), "b": (1, 1)}, {"b": (1, 1)})
    assert flaws == ("files changed while they were copied: a",)


def test_a_sentence_names_a_few_and_counts_the_rest():
    before = dict.fromkeys("abcde", (1, 1))
    assert find_flaws(before, before, {}) == ("files missing in the copy: a, b, c and 2 more",)


def test_other_counts_are_told():
    wanted, found = Tally(2, 10, {"db/post": 3, "db/old": 1}), Tally(1, 10, {"db/post": 2})
    assert compare_tallies(wanted, found) == (
        "1 files instead of 2",
        "no rows in db/old instead of 1",
        "2 rows in db/post instead of 3",
    )
    assert compare_tallies(wanted, wanted) == ()


def test_a_tally_survives_being_written_down():
    tally = make_tally({"a": (3, 1), "b": (4, 1)}, {"db/post": 2})
    assert (tally.files, tally.bytes, tally.row_count) == (2, 7, 2)
    assert Tally.from_json(tally.to_json()) == tally
    with pytest.raises((KeyError, TypeError, ValueError)):
        Tally.from_json({"files": 1})


def test_a_live_database_and_all_beside_it_is_left_out():
    left = find_left_out({"app.db": "copy/app.db"}, ("tmp",))
    assert left == ("tmp", "app.db", "app.db-wal", "app.db-shm", "app.db-journal")


@given(st.integers(0, 400 * PART_BYTES))
def test_within_as_many_days_as_there_are_parts_everything_is_read(stored):
    parts = int(plan_reading(stored, 0).split("/")[1])
    assert {plan_reading(stored, day) for day in range(parts)} == {
        f"{n + 1}/{parts}" for n in range(parts)
    }
    assert parts <= 256
    assert stored > PART_BYTES or parts == 1
