"""The threat model lists every attack that a test mounts, with its verdict, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs.pages import ROOT, read

MARK = re.compile(
    r'@pytest\.mark\.attack\(\s*"([^"]+)",\s*"([^"]+)"\s*\)\s*\n(?:@[^\n]*\n)*def (\w+)'
)


def list_marked() -> dict[tuple[str, str], set[str]]:
    """(attack, verdict) → files of the tests that mount it."""
    found: dict[tuple[str, str], set[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for attack, verdict, _ in MARK.findall(path.read_text("utf-8")):
            found.setdefault((attack, verdict), set()).add(str(path.relative_to(ROOT)))
    return found


def list_told() -> dict[tuple[str, str], set[str]]:
    section = read("docs/threat-model.md").partition("## The attack table")[2]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| (`[^|]+`) \| [^|]+ \|$", section, re.M)
    return {(a, v): set(re.findall(r"`([^`]+)`", tests)) for a, v, tests in rows}


def test_every_attack_is_told_with_its_verdict_and_its_test() -> None:
    assert list_told() == list_marked()


def test_every_test_of_an_attack_is_there() -> None:
    for tests in list_told().values():
        assert all(Path(ROOT / test).is_file() for test in tests)
