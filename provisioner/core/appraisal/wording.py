"""Every sentence a verdict says. Never stronger than what was seen (docs/checking.md)."""

from __future__ import annotations

from datetime import datetime, timedelta

from provisioner.models.verdict import Outcome

LIMIT = (
    "This cannot prove that the operator has not altered the server or is not reading your data."
)
SUMMARIES = {
    Outcome.GENUINE: "This server reports {release}, and what was measured on it matches. {age}",
    Outcome.OUTDATED: "This server reports {release}, which is not the newest. {age}",
    Outcome.STALE: "We cannot say what runs here now: the last report is too old. {age}",
    Outcome.MODIFIED: "The server reports things that differ from {release}. {age}",
    Outcome.DIVERGENT: "What you get here differs from {release}, or from what others got. {age}",
    Outcome.UNVERIFIABLE: "There is not enough here to check.",
    Outcome.REJECTED: "We do not believe the report of this server.",
    Outcome.EQUIVOCATION: "The public log told two different stories, so it cannot be believed.",
    Outcome.UNLOGGED: "What this server reports is signed, but it is not in the public log.",
    Outcome.RELAY: "The report that this server gave belongs to another community.",
    Outcome.REPLAY: "The report that this server gave answers another question than ours.",
    Outcome.CLOCK_SKEW: "The clocks do not agree, so we cannot say when this was measured. {age}",
    Outcome.UNKNOWN: "The check did not finish, so we cannot say what runs here. Try again soon.",
}


def summarize(outcome: Outcome, release: str, measured: datetime | None, now: datetime) -> str:
    """One or two sentences for a person, always with the limit of what they mean."""
    age = f"It was measured {say_age(measured, now)}." if measured else ""
    text = SUMMARIES[outcome].format(release=release or "no release", age=age).strip()
    return f"{text} {LIMIT}"


def say_age(then: datetime, now: datetime) -> str:
    """`just now`, `4 minutes ago`, `2 days ago`."""
    return "just now" if now - then < timedelta(minutes=1) else f"{say_duration(now - then)} ago"


def say_duration(length: timedelta) -> str:
    """`40 seconds`, `4 minutes`, `2 days`: whole units, the largest that fits."""
    seconds = int(length.total_seconds())
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            return count(seconds // size, unit)
    return count(seconds, "second")


def show_path(path: str) -> str:
    """A file name as safe text: control characters and stray bytes are written out."""
    return "".join(_show_character(each) for each in path)


def _show_character(character: str) -> str:
    if 0xDC80 <= ord(character) <= 0xDCFF:
        return f"\\x{ord(character) - 0xDC00:02x}"
    if character.isprintable() and character != "\\":
        return character
    return character.encode("unicode_escape").decode("ascii")


def count(number: int, one: str, many: str = "") -> str:
    """`1 file`, `2 files`."""
    return f"{number} {one if number == 1 else many or one + 's'}"
