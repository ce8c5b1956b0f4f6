"""What a founder reads of an upgrade: which day, what is new, in words that are easily read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from provisioner.core.telling import (
    LONGEST,
    find_first_sentence,
    tell_after,
    tell_before,
    tell_held,
    tell_tried,
)
from tests.app.reading import grade
from tests.fakes import make_release

NOON = datetime(2026, 11, 25, 18, tzinfo=UTC)  # a Wednesday, noon in Chicago
NIGHT = datetime(2026, 11, 26, 8, tzinfo=UTC)  # two in the morning there
CHICAGO = "America/Chicago"


def made(notes: str = "Photos load faster.", urgency: str = "routine"):
    told = {"version": "1.2.0", "title": "the photo app", "notes": notes}
    recipe = make_release().recipe.model_copy(update=told)
    return make_release(recipe=recipe, urgency=urgency)


@pytest.mark.parametrize(
    ("begins", "now", "when"),
    [
        (NIGHT, NOON, "Tonight, while you sleep,"),
        (NIGHT, NIGHT - timedelta(hours=1), "Tonight, while you sleep,"),
        (NIGHT, NIGHT + timedelta(hours=1), "Tonight, while you sleep,"),
        (NIGHT, NIGHT - timedelta(hours=19), "Tonight, while you sleep,"),  # seven, that day
        (NIGHT, NIGHT - timedelta(hours=21), "Tomorrow night, while you sleep,"),  # still night
        (NIGHT + timedelta(days=1), NOON, "Tomorrow night, while you sleep,"),
        (NIGHT + timedelta(days=2), NOON, "On Friday night, while you sleep,"),
        (NIGHT + timedelta(days=7), NOON, "Soon"),
        (None, NOON, "Soon"),
    ],
)
def test_which_night_it_will_be(begins, now, when):
    told = tell_before(made(), begins, CHICAGO, now)
    assert told == (f"{when} your community gets a newer version. What is new: Photos load faster.")


@pytest.mark.parametrize(
    ("days", "day"),
    [
        (1, "on Tuesday"),
        (2, "on Monday"),
        (6, "on Thursday"),
        (7, "on 18 November"),
        (365, "on 25 November 2025"),
    ],
)
def test_which_day_it_was(days, day):
    at = NIGHT - timedelta(days=days + 1)
    told = tell_after(made(), at, CHICAGO, NOON)
    assert told == f"Your community got a newer version {day}. What is new: Photos load faster."


def test_the_day_is_that_of_the_community():
    late = datetime(2026, 11, 25, 3, tzinfo=UTC)  # still Tuesday in Chicago
    assert "got a newer version on Tuesday." in tell_after(made(), late, CHICAGO, NOON)
    assert "got a newer version last night." in tell_after(made(), late, "nowhere", NOON)
    at_night = NIGHT - timedelta(days=1)
    assert "got a newer version last night." in tell_after(made(), at_night, CHICAGO, NOON)
    assert "got a newer version today." in tell_after(made(), NOON, CHICAGO, NOON)
    soon_after = at_night + timedelta(hours=1)
    assert "got a newer version today." in tell_after(made(), at_night, CHICAGO, soon_after)


def test_a_security_release_says_so_and_one_without_notes_says_its_name():
    told = tell_before(made("", "security"), None, CHICAGO, NOON)
    assert told == (
        "Soon your community gets a newer version. It mends a weak spot. "
        "It is 1.2.0 of the photo app."
    )


@pytest.mark.parametrize(
    ("notes", "shown"),
    [
        ("Photos load faster. And more.", "Photos load faster."),
        ("- Photos load\n  faster", "Photos load faster."),
        ("# Now in 1.2.0!\n\nMore", "Now in 1.2.0!"),
        (" \t\x00\u202e ", ""),
        ("Is it faster? Yes.", "Is it faster?"),
    ],
)
def test_the_first_sentence_of_the_notes(notes, shown):
    assert find_first_sentence(notes) == shown


def test_long_notes_are_cut_after_a_word():
    cut = find_first_sentence("photos, and " * 99)
    assert cut.endswith(("photos …", "and …"))
    assert len(cut) <= LONGEST + 2
    assert len(find_first_sentence("x" * 999)) == LONGEST + 2


def test_everything_reads_at_grade_six():
    texts = [
        tell(made(notes, urgency), moment + timedelta(days=days), CHICAGO, NOON)
        for notes in ("Photos load faster.", "")
        for urgency in ("routine", "security")
        for tell, moment, way in ((tell_before, NIGHT, 1), (tell_after, NIGHT, -1))
        for days in (0, way * 1, way * 2, way * 3, way * 40)
    ]
    texts += [tell_held(), tell_tried(NOON, CHICAGO, NOON), tell_tried(NIGHT, CHICAGO, NOON)]
    assert {text: grade(text) for text in texts if grade(text) > 6} == {}
