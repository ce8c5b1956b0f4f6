"""Every command line that a document, an error or a page shows is one that works."""

from __future__ import annotations

import re

import pytest

from tests.docs.commands import find_fault, find_lines, list_commands, list_options
from tests.docs.pages import PAGES, ROOT, find_blocks, find_section, find_spans, name_of, read

COMMANDS = list_commands()
SOURCES = [
    *ROOT.glob("cli.py"),
    *ROOT.glob("provisioner/**/*.py"),
    *ROOT.glob("web/**/*.py"),
    *ROOT.glob("web/pages/**/*.html"),
]


def find_all_lines(text):
    """(words, whether they stand alone in a block)."""
    for block in find_blocks(text, "sh"):
        for words in find_lines(block):
            yield words, True
    for span in find_spans(text):
        for words in find_lines(span):
            yield words, False


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_line_of_a_page_parses(page):
    faults = {
        " ".join(words): fault
        for words, is_whole in find_all_lines(page.read_text("utf-8"))
        if (fault := find_fault(words, is_whole=is_whole))
    }
    assert not faults


def test_the_pages_show_command_lines():
    found = [line for page in PAGES for line in find_all_lines(page.read_text("utf-8"))]
    assert len(found) > 40
    assert sum(is_whole for _, is_whole in found) > 8


def test_every_command_line_that_the_program_itself_names_parses():
    named = {}
    for path in SOURCES:
        for line in re.findall(r"\./taarafo(?: [a-z]+(?:-[a-z]+)*)+", path.read_text("utf-8")):
            named.setdefault(line, name_of(path))
    assert len(named) > 5
    command_words = {word for command in COMMANDS for word in command.split()}
    for line, where in named.items():
        words = line.split()[1:]
        told = words[:2] if words[0] in ("community", "release", "bench") else words[:1]
        assert set(told) <= command_words | {"test", "dev"}, (line, where)
        assert find_fault(told, is_whole=False) == "", (line, where)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_and_option_is_explained(name):
    section = find_section(read("docs/operating.md"), f"`{name}`")
    assert section, f"there is no heading `{name}`"
    told = " ".join(find_spans(section))
    for option in list_options(COMMANDS[name]):
        assert re.search(rf"{option}(?![\w-])", told), f"{option} is not explained"


def test_no_command_is_explained_that_does_not_exist():
    text = find_section(read("docs/operating.md"), "Commands")
    headings = set(re.findall(r"^### `([^`]+)`$", text, re.MULTILINE))
    assert headings == set(COMMANDS)


@pytest.mark.parametrize(
    ("line", "is_whole"),
    [
        ("./taarafo upgrade", False),
        ("./taarafo community rename smith", False),
        ("./taarafo check smith --deep", False),
        ("./taarafo community create --name Smiths", True),
        ("./taarafo bench create --times many", True),
        ("./taarafo community", True),
        ("sudo TAARAFO_PORT=1 ./taarafo status --verbose", False),
        ("./taarafo test --slow", False),
    ],
)
def test_a_wrong_command_line_is_found(line, is_whole):
    (words,) = find_lines(line)
    assert find_fault(words, is_whole=is_whole)


@pytest.mark.parametrize(
    "line",
    [
        "./taarafo community create --name 'The Smiths' --founder Ann --json",
        "./taarafo check smith.localhost:8080 --root file # a comment",
        "./taarafo test --fast tests/core -k names",
        "./taarafo down --purge --yes",
    ],
)
def test_a_right_one_is_not(line):
    (words,) = find_lines(line)
    assert find_fault(words, is_whole=True) == ""
