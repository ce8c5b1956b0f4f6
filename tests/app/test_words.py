"""The catalogue: every sentence that is asked for exists, is used, and is easy to read."""

from __future__ import annotations

import re
import string

from app.catalogue import read_catalogue

from tests.app.conftest import SOURCE
from tests.app.reading import grade

WORDS = read_catalogue()
CODE = "".join(
    file.read_text(encoding="utf-8")
    for kind in ("*.py", "*.html")
    for file in (SOURCE / "app").rglob(kind)
)
# Keys that are put together from parts: `say("promise." ~ name ~ …)`.
BUILT = (
    "promise.",
    "standing.",
    "audience.",
    "people.",
    "person.",
    "leave.",
    "front.join.",
    "month.",
    "error.",
    "nav.",
)


def test_every_key_that_is_named_exists():
    named = set(re.findall(r'(?<!_)say\(\s*"([a-z_.]+[a-z_])"[,)]', CODE))
    named |= set(re.findall(r'(?:Problem|NoRoom|TooMany)\(\s*"([a-z_.]+)"', CODE))
    assert len(named) > 100
    assert named <= set(WORDS.sentences), named - set(WORDS.sentences)


def test_every_sentence_is_used():
    def used(key: str) -> bool:
        stem = re.sub(r"\.(one|many)$", "", key)
        quoted = (f'"{key}"', f"'{key}'", f'"{stem}"')
        return any(word in CODE for word in quoted) or key.startswith(BUILT)

    assert [key for key in WORDS.sentences if not used(key)] == []


def test_facts_are_the_ones_that_are_given():
    for key, text in WORDS.sentences.items():
        for _, name, _, _ in string.Formatter().parse(text):
            assert name is None or name.isidentifier(), key


def test_sentences_are_read_at_once_by_a_twelve_year_old():
    text = " ".join(
        sentence.format_map(dict.fromkeys(re.findall(r"{(\w+)}", sentence), "Ann"))
        for sentence in WORDS.sentences.values()
        if sentence.endswith((".", "?"))
    )
    assert grade(text) <= 6
    for key, sentence in WORDS.sentences.items():
        if len(sentence.split()) >= 12:
            assert grade(sentence) <= 8, f"{key} is grade {grade(sentence):.1f}"


def test_no_word_of_the_machine_room():
    jargon = re.compile(r"\b(container|instance|deploy|hash|token|session|database|invalid)", re.I)
    assert [key for key, text in WORDS.sentences.items() if jargon.search(text)] == []


def test_time_in_words():
    now = 1_800_000_000
    assert WORDS.when(now, now) == "just now"
    assert WORDS.when(now - 60, now) == "1 minute ago"
    assert WORDS.when(now - 7200, now) == "2 hours ago"
    assert WORDS.when(now - 86400, now) == "yesterday"
    assert WORDS.when(now - 8 * 86400, now) == "7 January 2027"
    assert WORDS.country("us") == "United States"
