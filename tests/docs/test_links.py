"""Every link leads somewhere, and every path that a document or a comment names is there."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import PAGES, ROOT, find_anchors, find_links, find_spans, name_of

TOP = {path.name for path in ROOT.iterdir()}
PATH = re.compile(r"(?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:py|md|toml|lock|yml)")
SOURCES = [
    *ROOT.glob("*.py"),
    *ROOT.glob("Makefile"),
    *(
        path
        for folder in ("provisioner", "web", "images", "templates", "playbooks", "tests")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".toml", ".yml", ".html", ".j2")
    ),
]


def find_broken(page, link):
    """What is wrong with a link on a page, or ""."""
    target, _, anchor = link.partition("#")
    if re.match(r"[a-z]+:", link):
        return ""
    path = (page.parent / target).resolve() if target else page
    if not path.is_relative_to(ROOT) or not path.exists():
        return f"{target} is not there"
    if anchor and anchor not in find_anchors(path.read_text("utf-8")):
        return f"{target or page.name} has no heading #{anchor}"
    return ""


def is_ours(span):
    """Whether what stands in backticks reads like a path of this repository."""
    first = span.split("/")[0]
    return bool(PATH.fullmatch(span)) and first in TOP


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page):
    links = find_links(page.read_text("utf-8"))
    broken = [fault for link in links if (fault := find_broken(page, link))]
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_path_in_backticks_is_there(page):
    spans = [span for span in find_spans(page.read_text("utf-8")) if is_ours(span)]
    missing = [span for span in spans if not (ROOT / span).exists()]
    assert not missing


def test_the_pages_name_paths():
    spans = {s for page in PAGES for s in find_spans(page.read_text("utf-8")) if is_ours(s)}
    assert len(spans) > 60


def test_every_document_that_a_comment_names_is_there():
    named = {}
    for path in SOURCES:
        for found in re.findall(r"\bdocs/[\w/-]*[\w-]\.md\b", path.read_text("utf-8")):
            named.setdefault(found, name_of(path))
    assert len(named) > 8
    missing = {name: where for name, where in named.items() if not (ROOT / name).exists()}
    assert not missing


@pytest.mark.parametrize("link", ["nowhere.md", "README.md#no-such-heading", "../outside", "#none"])
def test_a_broken_link_is_found(link):
    assert find_broken(ROOT / "README.md", link)
