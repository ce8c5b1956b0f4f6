"""The verifier as one file, as the control plane gives it away: whole, and it calls nobody."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest

from provisioner.core.appraisal.wording import LIMIT, SUMMARIES
from provisioner.models.verdict import Finding, Outcome, Verdict
from tests.app.reading import grade
from web.check import words
from web.check.verifier import SCRIPTS, WEB, write_verifier

ROOT = b'{"a root": "</script><script>"}\n'


@pytest.fixture
def shipped(context) -> bytes:
    folder = context.settings.trust_dir
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "root.json").write_bytes(ROOT)
    return ROOT


def parts_of(document: str) -> tuple[str, str, str, str]:
    """The policy, the style, what is given, and the script."""
    policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">', document)
    style = re.search(r"<style>(.*?)</style>", document, re.DOTALL)
    given = re.search(r'<script type="application/json" id="given">(.*?)</script>', document)
    script = re.search(r"<script>(.*?)</script>", document, re.DOTALL)
    assert None not in (policy, style, given, script)
    return policy[1].replace("&#39;", "'"), style[1], given[1], script[1]


def test_it_is_a_download_with_a_policy_of_its_own(app, shipped):
    answer = app.test_client().get("/check/verifier.html")
    assert answer.status_code == 200
    assert answer.mimetype == "text/html"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    policy, *_ = parts_of(answer.text)
    assert answer.headers["Content-Security-Policy"] == f"{policy}; frame-ancestors 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.text == write_verifier(ROOT)


def test_before_there_is_a_root_of_trust_it_says_so(app):
    answer = app.test_client().get("/check/verifier.html")
    assert answer.status_code == 503
    assert "attachment" not in answer.headers.get("Content-Disposition", "")


def test_only_its_own_script_and_style_may_run():
    policy, style, _, script = parts_of(write_verifier(ROOT))
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))

    def hash_of(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    assert rules == {
        "default-src": "'none'",
        "connect-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "script-src": hash_of(script),
        "style-src": hash_of(style),
    }


def test_nothing_in_it_is_fetched_from_anywhere():
    document = write_verifier(ROOT)
    assert document.count("<script") == document.count("</script>") == 2
    assert not re.search(r'(src|href|action)="(?!#)|url\(|@import', document)
    assert not re.search(
        r"\b(fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon|eval)\b", document
    )
    assert not re.search(r"\binnerHTML\b|\.write\(|localStorage|document\.cookie", document)


def test_both_verifiers_have_the_same_words_and_the_same_root():
    _, _, given, _ = parts_of(write_verifier(ROOT))
    value = json.loads(given)
    assert base64.b64decode(value["root"]) == ROOT
    assert value["summaries"] == SUMMARIES
    assert value["limit"] == LIMIT
    assert set(value["headlines"]) == set(value["marks"]) == set(Outcome)


def test_no_file_of_it_is_forgotten():
    files = {path.stem for path in (WEB / "static" / "verifier").glob("*.js")}
    assert files == set(SCRIPTS)
    assert len(SCRIPTS) == len(files)


def test_the_check_page_tells_of_it(app, context, monkeypatch):
    verdict = Verdict(Outcome.GENUINE, (Finding("files", Outcome.GENUINE, "All fit."),))
    monkeypatch.setattr("web.check.ask.check_community", lambda *_, **__: verdict)
    page = app.test_client().get("/check/smith-family").text
    assert 'href="/check/verifier.html"' in page
    assert words.VERIFIER_LINK in page
    assert "--save FILE" in page


def test_its_words_read_at_grade_six_and_promise_nothing():
    said = [
        words.VERIFIER_TITLE,
        words.VERIFIER_MEANS,
        words.VERIFIER_SOURCE,
        words.VERIFIER_MOMENT,
        words.VERIFIER_TRUST,
        *words.VERIFIER_LIMITS,
        words.VERIFIER_UNABLE,
        words.VERIFIER_SCRIPT,
        words.TAKE_VERIFIER,
    ]
    assert {text: grade(text) for text in said if grade(text) > 6} == {}
    for text in said:
        assert not re.search("verified|secure|safe|guarantee", text.lower())
