"""Addresses: what is refused, in which words, and what is suggested instead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.names import (
    LONGEST,
    RESERVED,
    SHORTEST,
    WELL_FORMED,
    judge_label,
    judge_name,
    skeleton_of,
    suggest_free,
    suggest_label,
)
from provisioner.errors import NameRefused, SaidBadly


def nobody(_label: str) -> bool:
    return False


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("The Smith Family", "smith-family"),
        ("Семья Петровых", "semya-petrovykh"),
        ("O'Brien & sons", "obrien-sons"),
        ("Ünal Ailesi", "unal-ailesi"),
        ("../../etc", "etc"),
        ("😀😀", "our-community"),
        ("", "our-community"),
        ("admin", "our-admin"),
        ("a" * 300, "a" * LONGEST),
        ("al", "al-community"),
    ],
)
def test_a_spoken_name_suggests_an_address(name, label):
    assert suggest_label(name) == label


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "choose an address"),
        ("0123456789abcdef" * 2, "one of our numbers"),
        ("a" * 300, "too long"),
        ("ab", "too short"),
        ("😀😀😀", "letters a to z"),
        ("عائلة", "letters a to z"),
        ("smіth", "letters a to z"),  # the i is Cyrillic
        ("../../etc", "letters, numbers, and dashes"),
        ("smith family", "letters, numbers, and dashes"),
        ("-smith", "letters, numbers, and dashes"),
        ("smith.family", "letters, numbers, and dashes"),
        ("xn--smth-8ra", "read as another one"),
        ("ab--cd", "read as another one"),
        ("admin", "set aside"),
        ("adm1n", "set aside"),
        ("localhost", "set aside"),
    ],
)
def test_a_bad_address_gets_a_sentence_and_a_good_alternative(typed, says):
    with pytest.raises(NameRefused) as refused:
        judge_label(typed, nobody)
    assert says in refused.value.explain()
    assert judge_label(refused.value.suggestion, nobody) == refused.value.suggestion


@pytest.mark.parametrize("alike", ["smith", "sm1th", "smlth", "srnith", "s-mith", "5mith"])
def test_look_alikes_share_one_skeleton(alike):
    assert skeleton_of(alike) == skeleton_of("smith")


def test_capital_letters_and_spaces_around_are_forgiven():
    assert judge_label("  Smith-Family ", nobody) == "smith-family"


def test_when_everything_is_taken_nothing_is_suggested():
    assert suggest_free("smith", lambda _: True) == ""


@given(st.text(max_size=400))
def test_whatever_is_said_suggests_a_good_address(name):
    label = suggest_label(name)
    assert SHORTEST <= len(label) <= LONGEST + len("our-")
    assert WELL_FORMED.fullmatch(label)
    assert label not in RESERVED


@given(st.text(max_size=400))
def test_an_address_that_is_accepted_is_safe_as_host_and_path(typed):
    try:
        label = judge_label(typed, nobody)
    except NameRefused:
        return
    assert WELL_FORMED.fullmatch(label)
    assert len(label) <= LONGEST


@pytest.mark.parametrize("name", ["", "   ", "😀", "\u200b", "x" * 81, "a\u202eb", "a\x07b"])
def test_a_name_nobody_could_read_is_refused(name):
    with pytest.raises(SaidBadly):
        judge_name(name, "name")


def test_a_name_keeps_its_script_and_loses_its_extra_spaces():
    assert judge_name("  عائلة   سميث ", "name") == "عائلة سميث"
