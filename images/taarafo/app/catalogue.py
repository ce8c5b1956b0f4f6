"""Every sentence a person sees, by key, from one file per language."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

FOLDER = Path(__file__).parent / "words"
MINUTE, HOUR, DAY = 60, 3600, 86400


@dataclass(frozen=True)
class Catalogue:
    """One language: its code, its direction and its sentences (`feed.empty` → text)."""

    code: str
    direction: str  # ltr or rtl, for the page's `dir`
    sentences: dict[str, str]
    countries: dict[str, str]

    def say(self, key: str, **facts: object) -> str:
        """The sentence with its facts filled in. Raises KeyError for one that is not written."""
        text = self.sentences[key]
        return text.format(**facts) if facts else text

    def count(self, key: str, number: int, **facts: object) -> str:
        """`key.one` or `key.many`."""
        return self.say(f"{key}.{'one' if number == 1 else 'many'}", number=number, **facts)

    def country(self, code: str) -> str:
        return self.countries.get(code.upper(), code)

    def when(self, then: int, now: int) -> str:
        """How long ago, in words; no time zone is asked of anybody."""
        ago = max(0, now - then)
        if ago < MINUTE:
            return self.say("time.now")
        if ago < HOUR:
            return self.count("time.minutes", ago // MINUTE)
        if ago < DAY:
            return self.count("time.hours", ago // HOUR)
        if ago < 7 * DAY:
            return self.count("time.days", ago // DAY)
        return self.date(then)

    def date(self, then: int) -> str:
        day = datetime.fromtimestamp(then, UTC)
        month = self.say(f"month.{day.month}")
        return self.say("time.date", day=day.day, month=month, year=day.year)

    def size(self, length: int) -> str:
        return self.say("size.mb", number=max(1, round(length / 1_000_000)))


def read_catalogue(code: str = "en") -> Catalogue:
    """The sentences of one language."""
    words = tomllib.loads((FOLDER / f"{code}.toml").read_text(encoding="utf-8"))
    countries = tomllib.loads((FOLDER / f"countries.{code}.toml").read_text(encoding="utf-8"))
    language = words.pop("language")
    return Catalogue(language["code"], language["direction"], _flatten(words), countries)


def _flatten(tree: dict[str, object], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = str(value)
    return flat
