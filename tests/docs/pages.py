"""The documents as what they are made of: code, prose, links, tables and headings."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def name_of(page: Path) -> str:
    """For the name of a test: `docs/operating.md`."""
    return str(page.relative_to(ROOT))


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def find_blocks(text: str, language: str) -> list[str]:
    """What stands between fences of this language."""
    return [body for kind, body in _FENCE.findall(text) if kind == language]


def find_prose(text: str) -> str:
    """The text without what stands between fences."""
    return _FENCE.sub("", text)


def find_spans(text: str) -> list[str]:
    """Everything in backticks, in prose and tables."""
    return [span.replace("\n", " ") for span in re.findall(r"`([^`]+)`", find_prose(text))]


def find_links(text: str) -> list[str]:
    """Where links and pictures lead."""
    return _LINK.findall(find_prose(text))


def find_anchors(text: str) -> set[str]:
    """The anchors of headings, as forges make them."""
    headings = re.findall(r"^#+ (.+)$", find_prose(text), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in plain}


def find_section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next one of the same depth or above; "" if none."""
    found = re.search(rf"^(#+) {re.escape(heading)}$", text, re.MULTILINE)
    if found is None:
        return ""
    rest = text[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def find_rows(text: str) -> dict[str, list[str]]:
    """Table rows whose first cell is one word in backticks: that word → the other cells.

    Of two rows with one word, the first counts.
    """
    rows: dict[str, list[str]] = {}
    for line in find_prose(text).splitlines():
        first, *others = (cell.strip() for cell in line.strip("|").split("|"))
        if line.startswith("|") and (word := re.fullmatch(r"`([^`]+)`", first)):
            rows.setdefault(word[1], others)
    return rows
