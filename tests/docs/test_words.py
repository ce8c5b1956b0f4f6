"""The documents are plain: short sentences, the glossary's words, no praise."""

from __future__ import annotations

import ast
import re

import pytest

from tests.app.reading import grade
from tests.docs.pages import PAGES, ROOT, find_prose, find_section, name_of, read

JARGON = (
    "api|cluster|config|container|cookie|daemon|database|deploy|docker|domain|hash|image|instance|"
    "json|node|provision|queue|registry|release|server|signature|swarm|token|tuf|url|user|worker"
)
HYPE = (
    "amazing|best-in-class|blazing|bulletproof|cutting[- ]edge|effortless|enterprise-grade|"
    "military-grade|next-generation|powerful|revolutionary|robust|seamless|simply|state of the art|"
    "unbreakable|unhackable|verified secure|world-class|100 ?% (?:safe|secure)"
)
BANNED_NAMES = re.compile(r"(?:^|_)(?:manager|managers|util|utils|helper|helpers)(?:$|_)")
LONGEST_SENTENCE = 36  # words
HIGHEST_GRADE = 6.0
OWN_CODE = [*ROOT.glob("provisioner/**/*.py"), *ROOT.glob("web/**/*.py"), ROOT / "cli.py"]


def find_sentences(text):
    """Sentences of prose, without code, tables, headings and links' targets."""
    plain = re.sub(r"\]\([^)]*\)", "]", find_prose(text))
    plain = re.sub(r"`[^`]*`", "x", plain)
    kept = [line for line in plain.splitlines() if not re.match(r"\s*(\||#|!)", line)]
    blocks = re.split(r"\n\s*\n|\n\s*(?:[-*]|\d+\.) ", "\n" + "\n".join(kept))
    for block in blocks:
        yield from re.split(r"(?<=[.?!:;])\s+", " ".join(block.split()))


def first_half_of_readme():
    """What is there for a grandmother: all above the two commands, without the picture."""
    text = read("README.md").partition("## Two commands")[0]
    return re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text).replace("# Taarafo\n", "")


def test_the_readme_begins_with_words_that_everybody_knows():
    text = first_half_of_readme()
    assert len(text.split()) > 80
    assert not re.findall(rf"\b(?:{JARGON})s?\b", text, re.IGNORECASE)
    assert grade(text) <= HIGHEST_GRADE


def test_the_readme_fits_one_screen_and_shows_the_wizard():
    text = read("README.md")
    assert len(text.splitlines()) <= 60
    (picture,) = re.findall(r"!\[([^\]]+)\]\(docs/images/wizard\.png\)", text)
    assert len(picture.split()) > 5
    for command in ("./taarafo up", "./taarafo test"):
        assert command in text


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_sentence_is_too_long_to_be_read_aloud(page):
    long = [s for s in find_sentences(page.read_text("utf-8")) if len(s.split()) > LONGEST_SENTENCE]
    assert not long


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_nothing_is_praised(page):
    assert not re.findall(rf"\b(?:{HYPE})\b", page.read_text("utf-8"), re.IGNORECASE)


# -- the glossary --------------------------------------------------------------------------------


def glossary_rows():
    found = re.findall(r"^\| \*\*(.+?)\*\* \| .+ \| `([^`]+)` \|$", read("docs/glossary.md"), re.M)
    assert len(found) > 35
    return found


@pytest.mark.parametrize(("word", "where"), glossary_rows())
def test_every_word_of_the_glossary_is_in_the_file_that_defines_it(word, where):
    pattern = re.sub(r"[ -]", "[ _-]?", word.lower())
    assert re.search(pattern, (ROOT / where).read_text("utf-8").lower()), (
        f"{word} is not in {where}"
    )


def list_names():
    """Every function, class and module of the control plane."""
    for path in OWN_CODE:
        yield path.stem
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                yield node.name


def test_every_verb_of_the_glossary_is_used():
    rows = re.findall(r"^\| `(\w+)` \|", find_section(read("docs/glossary.md"), "Verbs"), re.M)
    names = [name.lstrip("_") for name in list_names()]
    assert len(rows) > 8
    assert not [verb for verb in rows if not any(name.startswith(verb) for name in names)]


def test_no_name_says_nothing():
    snake = [re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower() for name in list_names()]
    assert len(snake) > 500
    assert not [name for name in snake if BANNED_NAMES.search(name)]
