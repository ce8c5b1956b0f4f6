"""Quiet hours by the clock on the wall, also on the nights when that clock is changed."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.quiet_hours import QuietHours, find_next_quiet, find_zone, is_quiet
from provisioner.publishing.rootfs import is_left_out
from tests.docs.pages import ROOT

NIGHT = QuietHours()
ZONES = ("America/Chicago", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "UTC", "nowhere")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "begins", "ends"),
    [
        ("America/Chicago", "2026-01-10 08:00", "2026-01-10 11:00"),
        ("America/Chicago", "2026-07-10 07:00", "2026-07-10 10:00"),
        ("Asia/Kolkata", "2026-01-09 20:30", "2026-01-09 23:30"),
        ("Asia/Kathmandu", "2026-01-09 20:15", "2026-01-09 23:15"),
        ("Pacific/Kiritimati", "2026-01-09 12:00", "2026-01-09 15:00"),
        ("Mars/Base", "2026-01-10 02:00", "2026-01-10 05:00"),
        # clocks go forward: two in the morning does not exist, and two hours are left
        ("America/Chicago", "2026-03-08 08:00", "2026-03-08 10:00"),
        ("Europe/Berlin", "2026-03-29 01:00", "2026-03-29 03:00"),
        # clocks go back: in Berlin from three to two, in Chicago before it begins
        ("Europe/Berlin", "2026-10-25 00:00", "2026-10-25 04:00"),
        ("America/Chicago", "2026-11-01 08:00", "2026-11-01 11:00"),
        # by half an hour
        ("Australia/Lord_Howe", "2026-04-04 15:30", "2026-04-04 18:30"),
        ("Australia/Lord_Howe", "2026-10-03 15:30", "2026-10-03 18:00"),
    ],
)
def test_from_two_to_five_on_the_clock_there(zone: str, begins: str, ends: str) -> None:
    first, after = utc(begins), utc(ends)
    a_minute = timedelta(minutes=1)
    moments = [first - a_minute, first, after - a_minute, after]
    assert [is_quiet(NIGHT, zone, moment) for moment in moments] == [False, True, True, False]
    assert find_next_quiet(NIGHT, zone, first - a_minute) == first
    assert find_next_quiet(NIGHT, zone, first) > after


def test_over_midnight_and_always() -> None:
    late = QuietHours(time(22, 30), time(4))
    for text, quiet in (("22:29", False), ("22:30", True), ("03:59", True), ("04:00", False)):
        assert is_quiet(late, "UTC", utc(f"2026-01-10 {text}")) is quiet
    always = QuietHours(time(3), time(3))
    assert is_quiet(always, "UTC", utc("2026-01-10 02:59"))


@given(
    now=st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    zone=st.sampled_from((*ZONES, "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca")),
    begins=st.times(),
    hours=st.integers(1, 23),
)
def test_the_next_ones_begin_within_little_more_than_a_day(now, zone, begins, hours) -> None:
    begins = begins.replace(second=0, microsecond=0)
    ends = (datetime.combine(now.date(), begins) + timedelta(hours=hours)).time()
    following = find_next_quiet(QuietHours(begins, ends), zone, now)
    assert now < following <= now + timedelta(hours=25)
    if hours > 1:  # an hour can be left out whole when clocks go forward
        assert is_quiet(QuietHours(begins, ends), zone, following)


@pytest.mark.parametrize(
    "name", ["", "America", "../etc", "/etc/passwd", "zone.tab", "a\0b", "ü", "x" * 5000, "\ud800"]
)
def test_what_is_no_zone_counts_as_utc(name: str) -> None:
    assert find_zone(name) is UTC


def test_the_zones_are_in_the_image_of_the_control_plane() -> None:
    """They are Debian's, in the image it is built on."""
    control = tomllib.loads((ROOT / "images/control/image.toml").read_text("utf-8"))
    packages = (ROOT / f"images/{control['base']}/packages.lock").read_text("utf-8")
    assert "tzdata" in {line.split()[0] for line in packages.splitlines()}
    assert not is_left_out("usr/share/zoneinfo/America/Chicago")
    assert not is_left_out("usr/share/zoneinfo/Asia/Kolkata")
