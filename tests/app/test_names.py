"""What a person may be called: nobody can look like somebody else, or like nobody."""

from __future__ import annotations

import pytest
from app import names

UNSEEN = ("\ufe0f", "\u034f", "\u115f", "\u3164", "\uffa0", "\u180e", "\u2063", "\U000e0061")


@pytest.mark.parametrize("unseen", UNSEEN)
def test_what_nobody_sees_makes_no_other_name(unseen: str) -> None:
    for disguised in (f"Anna{unseen}", f"{unseen}Anna", f"An{unseen}na", f"Anna {unseen}"):
        assert names.key(disguised) == names.key("Anna")


@pytest.mark.parametrize("name", [*UNSEEN, f"{UNSEEN[3]} {UNSEEN[3]}", "", " ", "\u200d"])
def test_a_name_that_nobody_sees_is_none(name: str) -> None:
    assert names.find_fault(names.tidy(name))


@pytest.mark.parametrize("name", ["Anna", "李小龍", "نور‌ا", "❤️", "👩‍👧", "O'Brien", "한글"])
def test_names_of_all_people_are_names(name: str) -> None:
    assert not names.find_fault(names.tidy(name))
