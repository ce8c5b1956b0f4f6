"""The check page: what it says, what it never says, and what it tells nobody."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from provisioner.core.appraisal.wording import LIMIT, summarize
from provisioner.errors import TooMany, Unavailable
from provisioner.models.community import CommunityState
from provisioner.models.verdict import Finding, Outcome, Verdict
from tests.app.reading import grade
from tests.web.test_operator import make
from web.check import words
from web.check.ask import AT_ONCE, FRESH_FOR, MOST_KEPT, RecentVerdicts, complete_address

ADDRESS = "smith-family.localhost:8080"


def say(outcome: Outcome, *findings: Finding, now) -> Verdict:
    release = "release 1.0.0 of Taarafo"
    return Verdict(
        outcome,
        findings or (Finding("files", outcome, "What was found.", ("/srv/app/<x>.py",)),),
        release="app/taarafo/stable/1.0.0/release.json",
        measured_at="2026-01-02T03:00:05Z",
        address=ADDRESS,
        summary=summarize(outcome, release, now - timedelta(minutes=4), now),
    )


@pytest.fixture
def judged(context, monkeypatch):
    """Set `judged["verdict"]`; `judged["asked"]` lists the addresses that were judged."""
    state = {"verdict": None, "asked": []}

    def judge(_, address, **asked):
        state["asked"].append(address)
        return state["verdict"]

    monkeypatch.setattr("web.check.ask.check_community", judge)
    return state


def test_who_moved_is_not_checked_here_but_left_word(app, context, judged):
    community, _ = make(context)
    home = "https://smith.example.org"
    context.store.change_community(community.id, state=CommunityState.MOVED, moved_to=home)
    answer = app.test_client().get(f"/check/{community.address}")
    assert answer.status_code == 200
    assert "This community moved" in answer.text
    assert f'<a href="{home}">' in answer.text
    assert "GENUINE" not in answer.text
    assert judged["asked"] == []


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_is_one_plain_sentence_with_its_limit(app, context, judged, outcome):
    judged["verdict"] = say(outcome, now=context.clock.now())
    answer = app.test_client().get(f"/check/{ADDRESS}")
    page = answer.text
    assert answer.status_code == 200
    assert outcome in page
    assert f'<h1 id="outcome">{words.HEADLINES[outcome]}</h1>' in page
    assert LIMIT in page
    assert "What this cannot prove" in page
    assert f"./taarafo check {ADDRESS}" in page
    assert 'title="2026-01-02 03:00:05 UTC">4 minutes ago</time>' in page
    assert ("/srv/app/&lt;x&gt;.py" in page) == (outcome is not Outcome.GENUINE)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_no_page_promises_more_than_was_seen(app, context, judged, outcome):
    judged["verdict"] = say(outcome, now=context.clock.now())
    page = app.test_client().get(f"/check/{ADDRESS}").text.lower()
    for word in ("verified", "secure", "safe", "guarantee", "✓", "✔", "✅", "trusted", "tag good"):
        assert word not in page


def test_headlines_read_at_grade_six():
    sentences = [
        *words.HEADLINES.values(),
        *words.ADVICE.values(),
        *words.LIMITS,
        *words.NOTHING_MEANS.split(". "),
        words.NOTHING_HERE,
        words.NOTHING_ADVICE,
    ]
    graded = {text: grade(text) for text in sentences}
    assert {text: school_year for text, school_year in graded.items() if school_year > 6} == {}


def test_every_outcome_has_words():
    for table in (words.HEADLINES, words.ADVICE, words.MARKS):
        assert set(table) == set(Outcome)


def test_who_signed_it_is_named(app, context, judged):
    signer = Finding("signature", Outcome.GENUINE, "The agent of host h1 signed this report.")
    judged["verdict"] = say(Outcome.GENUINE, signer, now=context.clock.now())
    page = app.test_client().get(f"/check/{ADDRESS}").text
    assert "<dd>The agent of host h1 signed this report.</dd>" in page
    assert "Who signed the report?" in page


NOTHING = {
    "a slip": Finding("address", Outcome.UNVERIFIABLE, "This is no address."),
    "nobody": Finding("signature", Outcome.UNVERIFIABLE, "This address serves no report."),
    "silent": Finding("signature", Outcome.UNVERIFIABLE, "This address does not answer."),
    "no agent": Finding("signature", Outcome.UNVERIFIABLE, "No agent is enrolled."),
}


def test_an_address_without_a_report_looks_the_same_whatever_the_reason(app, judged):
    pages = set()
    for finding in NOTHING.values():
        judged["verdict"] = Verdict(Outcome.UNVERIFIABLE, (finding,), address="x", summary="…")
        answer = app.test_client().get("/check/x.localhost:8080")
        assert answer.status_code == 404
        pages.add(answer.text)
        app.extensions["taarafo-verdicts"] = RecentVerdicts()
    assert len(pages) == 1


def test_the_real_check_tells_nobody_which_hidden_communities_exist(app, context):
    """Not there, gone, never well-formed, still being made: one page, but for what was typed."""
    make(context, runs=False)
    pages = set()
    for typed in ("smith-family", "nobody-here", "..", "a b", "<script>"):
        answer = app.test_client().get(f"/check/{typed}")
        assert answer.status_code == 404
        kept = complete_address(context.settings, typed)
        escaped = kept.replace("<", "&lt;").replace(">", "&gt;")
        pages.add(answer.text.replace(f'value="{escaped}"', ""))
    assert len(pages) == 1
    assert "<script>" not in pages.pop()


def test_a_front_door_that_is_away_is_no_error_page(app, context):
    context.gateway.is_away = True
    answer = app.test_client().get(f"/check/{ADDRESS}")
    assert answer.status_code == 404
    assert words.NOTHING_HERE in answer.text


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("smith-family", ADDRESS),
        ("Smith-Family.localhost", ADDRESS),
        (f" http://{ADDRESS}/feed?x=1 ", ADDRESS),
        (ADDRESS, ADDRESS),
        ("localhost", "localhost:8080"),
        ("http://localhost/", "localhost:8080"),
        ("localhost:8080", "localhost:8080"),
        ("smith.example.org", "smith.example.org"),
        ("what is this", "what is this"),
    ],
)
def test_an_address_may_be_typed_as_people_type_it(context, typed, asked):
    assert complete_address(context.settings, typed) == asked


def test_the_form_leads_to_an_address_that_can_be_kept(app, judged):
    browser = app.test_client()
    asked = browser.get("/check?address=http://Smith-Family.localhost:8080/feed")
    assert (asked.status_code, asked.headers["Location"]) == (303, f"/check/{ADDRESS}")
    empty = browser.get("/check?address=")
    assert "Please write the address here first." in empty.text
    assert "Please write" not in browser.get("/check").text
    assert judged["asked"] == [], "the form alone asks nobody"


def test_the_same_address_is_judged_once_in_a_few_seconds(app, context, judged):
    judged["verdict"] = say(Outcome.GENUINE, now=context.clock.now())
    for typed in (ADDRESS, "smith-family", f"HTTP://{ADDRESS}"):
        app.test_client().get(f"/check/{typed}")
    assert judged["asked"] == [ADDRESS]
    context.clock.moment += FRESH_FOR
    app.test_client().get(f"/check/{ADDRESS}")
    assert judged["asked"] == [ADDRESS, ADDRESS]


def test_somebody_who_hurries_is_slowed_down(app, context, judged):
    judged["verdict"] = say(Outcome.GENUINE, now=context.clock.now())
    browser = app.test_client()
    statuses = [browser.get(f"/check/number-{n}").status_code for n in range(32)]
    assert statuses == [200] * 30 + [429] * 2


def test_what_is_kept_has_an_end(context):
    recent, now = RecentVerdicts(), context.clock.now()
    for number in range(MOST_KEPT + 50):
        recent.get(f"a{number}", now, lambda: Verdict(Outcome.UNKNOWN, ()))
    assert len(recent._kept) == MOST_KEPT


def test_a_crowd_waits_and_is_then_asked_to_come_back(context, monkeypatch):
    monkeypatch.setattr("web.check.ask.PATIENCE_SECONDS", 0.05)
    recent, now, ended = RecentVerdicts(), context.clock.now(), threading.Event()
    busy = threading.Barrier(AT_ONCE + 1)

    def slow():
        busy.wait(10)
        ended.wait(10)
        return Verdict(Outcome.UNKNOWN, ())

    threads = [
        threading.Thread(target=recent.get, args=(f"slow{n}", now, slow)) for n in range(AT_ONCE)
    ]
    for thread in threads:
        thread.start()
    busy.wait(10)
    with pytest.raises(TooMany):
        recent.get("one more", now, lambda: Verdict(Outcome.UNKNOWN, ()))
    ended.set()
    for thread in threads:
        thread.join()
    assert recent.get("one more", now, lambda: Verdict(Outcome.GENUINE, ()))


def test_a_check_that_breaks_gives_its_place_back(context):
    recent, now = RecentVerdicts(), context.clock.now()

    def break_down():
        raise Unavailable("away", part="the list")

    for _ in range(AT_ONCE + 1):
        with pytest.raises(Unavailable):
            recent.get("x", now, break_down)
    assert recent.get("x", now, lambda: Verdict(Outcome.UNKNOWN, ()))


def test_the_control_plane_itself_can_be_asked_for(app, context, judged):
    judged["verdict"] = say(Outcome.GENUINE, now=context.clock.now())
    browser = app.test_client()
    assert (
        'href="/check/localhost:8080">Check this control plane itself</a>'
        in browser.get("/check").text
    )
    assert browser.get("/check/localhost:8080").status_code == 200
    assert judged["asked"] == ["localhost:8080"]
