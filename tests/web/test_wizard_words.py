"""Every page of a founder: words a twelve-year-old reads at once, and HTML without a fault."""

from __future__ import annotations

import re

import pytest
from justhtml import JustHTML

from provisioner.core.promises import PRESET_TITLES, PRESETS, SENTENCES
from provisioner.engine.keys import get_keys
from provisioner.engine.operations import run_operation
from provisioner.models.words import STEP_WORDS
from tests.app.reading import grade
from tests.web.visitor import wish
from web.console.verdict import WORDS as VERDICTS
from web.wizard.failing import WORDS as FAILURES
from web.wizard.failing import explain_failure

HIGHEST_GRADE = 6.0
JARGON = (
    "container|instance|deploy|hash|server|docker|swarm|node|cluster|database|url|token|session|"
    "cookie|csrf|http|api|json|backend|frontend|domain|dns|config|provision|daemon|image|registry|"
    "queue|worker|socket|port|digest|signature|metadata|release|invalid|error|failed|null|submit|"
    "click here|log ?in|user"
)


@pytest.fixture
def pages(visitor, context) -> dict[str, str]:
    """The HTML of every page, met the way a founder meets it."""
    seen: dict[str, str] = {}

    def keep(name: str) -> None:
        seen[name] = visitor.page.text

    visitor.go("/")
    keep("home")
    visitor.go("/start")
    keep("name")
    visitor.submit(name="", label="admin")
    keep("name refused")
    visitor.submit(name="The Smith Family")
    keep("address refused")
    visitor.go("/start").submit(name="The Smith Family")
    keep("who")
    visitor.submit(preset="")
    keep("who refused")
    visitor.submit(preset="family")
    keep("promises")
    visitor.submit(rules="x " * 3000)
    keep("promises refused")
    visitor.submit(rules="Be kind.")
    keep("you")
    visitor.submit(founder="", email="@")
    keep("you refused")
    you = visitor.path
    operation = wish(visitor, context)
    visitor.go(visitor.path)
    keep("making")
    context.store.lease(operation.id, "w", context.clock.now(), 60)
    for state in ("waiting", "undoing"):
        context.store.record_state(operation.id, "w", state)
        visitor.go(f"/making/{operation.id}")
        keep(state)
    context.store.record_state(operation.id, "w", "queued", leased_by="", leased_until=None)
    run_operation(context, operation.id)
    visitor.go(f"/making/{operation.id}")
    keep("ready")
    community = context.store.get_community(operation.community_id)
    visitor.go(f"/my/{get_keys(context, community).console_token}")
    keep("own page")
    visitor.go("/my/smith-family/remove")
    keep("remove")
    visitor.submit(typed="")
    keep("remove refused")
    visitor.submit(typed="smith-family")
    keep("removing")
    run_operation(context, visitor.path.rpartition("/")[2])
    visitor.go(visitor.path)
    keep("gone")
    visitor.go("/my/smith-family")
    keep("closed")
    visitor.go("/nowhere")
    keep("nowhere")
    assert you.endswith("/you")
    failed = wish(visitor, context, name="Oak Street")
    context.room.free = 0
    run_operation(context, failed.id)
    visitor.go(f"/making/{failed.id}")
    keep("failed")
    return seen


def words_of(page: str) -> str:
    """What a person reads, one sentence per block, without names, addresses and numbers."""
    main = JustHTML(page, sanitize=False).query("body")[0]
    for unread in main.query(
        "script, noscript, svg, input, textarea, select, .mono, [aria-hidden]"
    ):
        unread.parent.remove_child(unread)
    text = main.to_text(separator="\n")
    text = re.sub(r"[\w.-]+\.localhost\S*", "it", text)
    lines = [" ".join(line.split()) for line in text.split("\n") if line.strip()]
    return " ".join(line if line.endswith((".", "?", "!", ":")) else f"{line}." for line in lines)


def test_every_page_reads_at_grade_six_or_below(pages):
    grades = {name: grade(words_of(page)) for name, page in pages.items()}
    assert {name: g for name, g in grades.items() if g > HIGHEST_GRADE} == {}


def test_every_sentence_of_the_tables_reads_at_grade_six_or_below():
    tables = [
        ". ".join(STEP_WORDS.values()),
        " ".join(words for table in SENTENCES.values() for words in table.values()),
        " ".join(words for _, words in PRESET_TITLES.values()),
        " ".join(p.rules for p in PRESETS.values()),
        " ".join(VERDICTS.values()),
        " ".join(" ".join(pair) for pair in FAILURES.values()),
    ]
    assert [t for t in tables if grade(t) > HIGHEST_GRADE] == []


def test_no_page_speaks_of_machinery(pages):
    tables = [*STEP_WORDS.values(), *VERDICTS.values(), *(" ".join(p) for p in FAILURES.values())]
    told = {name: words_of(page) for name, page in pages.items()} | {"tables": " ".join(tables)}
    found = {
        name: re.findall(rf"\b(?:{JARGON})s?\b", text, re.IGNORECASE) for name, text in told.items()
    }
    assert {name: words for name, words in found.items() if words} == {}


def test_every_page_is_html_without_a_parse_error(pages):
    for page in pages.values():
        JustHTML(page, sanitize=False, strict=True, scripting_enabled=False)


def test_ids_are_unique_labels_lead_somewhere_and_every_page_has_one_heading(pages):
    for name, page in pages.items():
        document = JustHTML(page, sanitize=False)
        ids = [str(n.attrs["id"]) for n in document.query("[id]")]
        assert len(ids) == len(set(ids)), name
        for attribute in ("for", "aria-describedby", "aria-labelledby"):
            for node in document.query(f"[{attribute}]"):
                assert set(str(node.attrs[attribute]).split()) <= set(ids), (name, node.attrs)
        assert len(document.query("h1")) == 1, name
        for field in document.query("input[id], select, textarea"):
            assert document.query(f'label[for="{field.attrs["id"]}"]'), (name, field.attrs)


def test_every_failure_says_what_happened_and_what_to_do(context, visitor):
    operation = wish(visitor, context)
    for code in (*FAILURES, "release-expired", "key-missing", "unknown", ""):
        operation.error_code = code
        told = explain_failure(operation)
        assert told.sentence.endswith(".")
        assert told.advice.startswith("Please")
