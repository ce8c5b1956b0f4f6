"""What a founder reads before and after her community gets a newer version. Pure.

Days are those of the clock in the community's own time zone.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from provisioner.core.quiet_hours import find_zone
from provisioner.models.release import Release

LONGEST = 160  # letters of a publisher's notes that are shown
DAWN = timedelta(hours=6)  # until then it is still the night of the day before


def tell_before(release: Release, begins: datetime | None, zone: str, now: datetime) -> str:
    """`Tonight, while you sleep, your community gets a newer version. What is new: …`

    `begins` is when the quiet hours begin in which it may come; None: it comes at any hour.
    """
    night = find_night(begins, zone, now) if begins else ""
    when = f"{night}, while you sleep," if night else "Soon"
    return f"{when} your community gets a newer version. {_news(release)}"


def tell_after(release: Release, upgraded_at: datetime, zone: str, now: datetime) -> str:
    """`Your community got a newer version on Tuesday. What is new: Photos load faster.`"""
    day = find_day(upgraded_at, zone, now)
    return f"Your community got a newer version {day}. {_news(release)}"


def tell_tried(tried_at: datetime, zone: str, now: datetime) -> str:
    """Of a version that did not prove itself at hers, and was put back."""
    day = find_day(tried_at, zone, now)
    return (
        f"Your community stays on its version: a newer one was tried {day} and did not work well, "
        "so all was put back and nothing was lost."
    )


def tell_held() -> str:
    """Of a version that has not come to hers, and does not come as it is now."""
    return (
        "Your community stays on its version for now: a newer one did not work well at another "
        "community, and is held back."
    )


def find_night(begins: datetime, zone: str, now: datetime) -> str:
    """`Tonight`, `Tomorrow night`, `On Friday night`; empty when it is a week away or more.

    Two in the morning of Saturday is Friday night.
    """
    place = find_zone(zone)
    evening, this = (
        (moment.astimezone(place).replace(tzinfo=None) - DAWN).date() for moment in (begins, now)
    )
    ahead = (evening - this).days
    if ahead < 2:
        return "Tomorrow night" if ahead == 1 else "Tonight"
    return f"On {evening:%A} night" if ahead < 7 else ""


def find_day(past: datetime, zone: str, now: datetime) -> str:
    """`today`, `last night` for one before dawn, `on Tuesday`, `on 3 March`, `on 3 March 2025`."""
    place = find_zone(zone)
    then, this = (moment.astimezone(place).replace(tzinfo=None) for moment in (past, now))
    ago = (this.date() - then.date()).days
    if ago < 1:
        return "last night" if _is_night(then) and not _is_night(this) else "today"
    return f"on {then:%A}" if ago < 7 else f"on {_date(then, this)}"


def find_first_sentence(notes: str) -> str:
    """The first sentence of a publisher's notes on one line, cut after a word when it is long."""
    shown = "".join(letter if letter.isprintable() else " " for letter in notes)
    line = " ".join(shown.split()).lstrip("#*- ")
    sentence = re.split(r"(?<=[.!?])\s", line, maxsplit=1)[0]
    if len(sentence) > LONGEST:
        whole_words = sentence[:LONGEST].rpartition(" ")[0] or sentence[:LONGEST]
        return whole_words.rstrip(" ,;:.–-") + " …"
    return sentence if not sentence or sentence[-1] in ".!?…" else f"{sentence}."


def _news(release: Release) -> str:
    mends = "It mends a weak spot. " if release.urgency == "security" else ""
    news = find_first_sentence(release.recipe.notes)
    if news:
        return f"{mends}What is new: {news}"
    return f"{mends}It is {release.version} of {release.recipe.title}."


def _is_night(clock: datetime) -> bool:
    return clock.hour < DAWN.seconds // 3600


def _date(day: datetime, today: datetime) -> str:
    return f"{day.day} {day:%B}" + ("" if day.year == today.year else f" {day.year}")
