"""The commands of cli.py and the launcher, and what is wrong with a command line in a document."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import typer

from cli import app
from tests.run import PARTS

LAUNCHER = ("test", "dev")  # these never reach cli.py
ENDS = ("|", "||", "&&", ";", "#", ">", "<", "\\")


def list_commands() -> dict[str, Any]:
    """Every command by its words: `community create`."""
    return dict(_walk(typer.main.get_command(app), ()))


def _walk(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield " ".join(words), command
        return
    for word, each in below.items():
        yield from _walk(each, (*words, word))


def list_options(command: Any) -> list[str]:
    """Its options by their first name, without `--help`."""
    return [each.opts[0] for each in command.params if each.opts[0].startswith("--")]


def find_lines(text: str) -> list[list[str]]:
    """The words behind each `./taarafo` that is at the start of a command."""
    lines = []
    for line in re.sub(r"\\\n", " ", text).splitlines():
        words = _split(line.strip().removeprefix("$ "))
        while words and (words[0] == "sudo" or re.match(r"[A-Z_]+=", words[0])):
            words.pop(0)
        if words and words[0] == "./taarafo":
            end = next((n for n, word in enumerate(words) if word in ENDS), len(words))
            lines.append(words[1:end])
    return lines


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        return []  # a quote of prose: no command line


def find_fault(words: list[str], *, is_whole: bool) -> str:
    """Why this is no command line of ours, or "".

    One that is only named in a sentence need not be whole: it may lack what a command needs.
    """
    if not words or words[0] in LAUNCHER:
        return _find_launcher_fault(words)
    command, rest = typer.main.get_command(app), list(words)
    while rest and hasattr(command, "commands"):
        word = rest.pop(0)
        if word not in command.commands:
            return f"there is no command {word}"
        command = command.commands[word]
    if hasattr(command, "commands"):
        return "that is a group of commands" if is_whole else ""
    known = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    for word in rest:
        if word.startswith("--") and word.partition("=")[0] not in known | {"--help"}:
            return f"there is no option {word}"
    return _find_parsing_fault(command, rest) if is_whole else ""


def _find_launcher_fault(words: list[str]) -> str:
    if words[:1] != ["test"]:
        return ""
    unknown = [word for word in words[1:] if word.startswith("--") and word not in PARTS]
    return f"there is no part {unknown[0]}" if unknown else ""


def _find_parsing_fault(command: Any, words: list[str]) -> str:
    """As typer itself sees it; nothing is run."""
    try:
        command.make_context("taarafo", words)
    except Exception as error:
        return str(error) or type(error).__name__
    return ""
