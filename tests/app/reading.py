"""How hard a text is to read: the Flesch-Kincaid grade, with syllables from a hyphenation list."""

from __future__ import annotations

import re

import pyphen

SYLLABLES = pyphen.Pyphen(lang="en_US")


def grade(text: str) -> float:
    """The school year in which this is read with ease."""
    words = re.findall(r"[A-Za-z’']+", text)
    sentences = max(1, len(re.findall(r"[.?!:](?:\s|$)", text)))
    syllables = sum(_syllables(word) for word in words)
    return 0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59


def _syllables(word: str) -> int:
    """A hyphenation list leaves out short breaks, so count groups of vowels as well."""
    vowels = len(re.findall(r"[aeiouy]+", re.sub(r"(?<=[^aeiouy])e$", "", word.lower())))
    return max(1, vowels, len(SYLLABLES.positions(word)) + 1)
