"""Counting tries: by household, and so that nobody can flush away what counts."""

from __future__ import annotations

import pytest
from app.limits import Limits
from app.problems import TooMany
from app.web import forms
from flask import Flask

HOUR = {"most": 3, "seconds": 3600}


def test_a_flood_of_others_does_not_forget_who_is_at_the_limit() -> None:
    limits = Limits()
    for number in range(3):
        limits.count("sign-in anna", **HOUR, now=float(number))
    for number in range(2 * Limits.MOST_KEYS):
        limits.count(f"flood {number}", **HOUR, now=4.0)
    with pytest.raises(TooMany):
        limits.count("sign-in anna", **HOUR, now=5.0)


def test_who_tries_now_and_then_is_not_forgotten_for_who_tries_once() -> None:
    limits = Limits()
    limits.count("sign-in anna", **HOUR, now=0.0)
    limits.count("sign-in anna", **HOUR, now=1.0)
    for number in range(2 * Limits.MOST_KEYS):
        limits.count(f"flood {number}", **HOUR, now=2.0)
    limits.count("sign-in anna", **HOUR, now=3.0)
    with pytest.raises(TooMany):
        limits.count("sign-in anna", **HOUR, now=4.0)


def test_memory_does_not_grow_beyond_the_most_keys() -> None:
    limits = Limits()
    for number in range(3 * Limits.MOST_KEYS):
        for _ in range(3):
            limits.count(f"{number}", **HOUR, now=0.0)
    assert len(limits._seen) == Limits.MOST_KEYS


@pytest.mark.parametrize(
    ("seen", "visitor"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("6.6.6.6, 192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("", "here"),
        ("nonsense", "here"),
    ],
)
def test_a_household_is_one_visitor(seen: str, visitor: str) -> None:
    with Flask(__name__).test_request_context(headers={"X-Forwarded-For": seen}):
        assert forms.visitor() == visitor
