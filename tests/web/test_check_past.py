"""What was found before: the strip, the badge and the feed, and whom they tell nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from xml.etree import ElementTree

import pytest
from justhtml import JustHTML

from provisioner.core.appraisal.wording import LIMIT, summarize
from provisioner.engine.checks.attest import record_verdict
from provisioner.engine.operations import run_operation
from provisioner.engine.remove import request_removal
from provisioner.models.community import CommunityState
from provisioner.models.verdict import ALARMING, Finding, Outcome, Verdict
from tests.app.reading import grade
from tests.web.serving import count_queries
from tests.web.test_operator import make
from web.check import words
from web.check.ask import RecentVerdicts
from web.check.badge import draw_badge, measure
from web.check.past import Past

ADDRESS = "smith-family.localhost:8080"
PAGE, BADGE, FEED = (f"/check/{ADDRESS}{rest}" for rest in ("", "/badge.svg", "/feed.atom"))
ATOM = "{http://www.w3.org/2005/Atom}"
TAG = re.compile(r"tag:localhost,2026-01-0\d:check/[0-9a-f]{32}(/changes/\d+)?")  # RFC 4151
SVG = "{http://www.w3.org/2000/svg}"
NEVER = ("verified", "secure", "safe", "guarantee", "✓", "✔", "✅", "trusted", "good")
SILENT = Verdict(Outcome.UNVERIFIABLE, (Finding("signature", Outcome.UNVERIFIABLE, "Silence."),))


def say(outcome=Outcome.GENUINE, version="1.0.0"):
    return Verdict(
        outcome,
        (Finding("files", outcome, "What was found."),),
        release=f"app/taarafo/stable/{version}/release.json",
        measured_at="2026-01-02T03:00:05Z",
        summary=summarize(outcome, "a release", None, datetime.min),
    )


@pytest.fixture
def found(monkeypatch):
    """What every check finds, recorded or not; `asked` counts those that were not recorded."""
    state = {"now": say(), "asked": 0}

    def judge(*_, **asked):
        state["asked"] += 1
        return state["now"]

    monkeypatch.setattr("provisioner.engine.checks.attest.check_community", lambda *_: state["now"])
    monkeypatch.setattr("web.check.ask.check_community", judge)
    return state


@pytest.fixture
def community(web, found, context):
    return make(context)[0]


@pytest.fixture
def record(context, community, found):
    """Let days pass, and record what is found then."""

    def _record(verdict, days=1.0):
        context.clock.sleep(days * 86_400)
        found["now"] = verdict
        record_verdict(context, community)

    return _record


@pytest.fixture
def browser(app):
    return app.test_client()


# -- the page ------------------------------------------------------------------------------------


def test_the_page_shows_90_days_and_says_them(browser, community, record):
    for outcome in (Outcome.MODIFIED, Outcome.MODIFIED, Outcome.GENUINE):
        record(say(outcome))
    page = browser.get(PAGE).text
    assert page.count('<span class="square ') == 90 + len(words.LEGEND)
    assert "GENUINE on 2 of 4 days; MODIFIED on 3 and 4 January." in page
    assert 'role="img" aria-labelledby="strip-said"' in page
    said = "3 January 2026: MODIFIED. 0 of 1 check said GENUINE, 03:04 to 03:04 UTC."
    assert f'<span class="square bad" title="{said}">!</span>' in page
    assert f"<li>{said}</li>" in page
    assert page.count("no check.") == 86
    assert "<h3>From MODIFIED to GENUINE " in page
    assert f'<link rel="alternate" type="application/atom+xml" title="What runs at {ADDRESS}"' in (
        page
    )


def test_the_page_says_first_what_matters_first(browser, community):
    page = browser.get(PAGE).text
    headings = (
        'id="outcome"',
        "<dt>By whom</dt>",
        "What was checked",
        "The last 90 days",
        "What this cannot prove",
        "Check from another place",
        "Check another one",
    )
    places = [page.index(heading) for heading in headings]
    assert places == sorted(places)


def test_what_fits_is_folded_and_what_does_not_is_open(browser, app, community, record):
    assert "1 thing was looked at. All fit." in browser.get(PAGE).text
    assert "<details open>" not in browser.get(PAGE).text
    record(say(Outcome.MODIFIED))
    page = browser.get(PAGE).text
    assert "1 thing was looked at. 0 fit." in page
    assert "<details open>" in page


def test_a_page_with_a_history_promises_no_more_than_one_without(browser, community, record):
    for outcome in Outcome:
        record(say(outcome))
    page = browser.get(PAGE).text.lower()
    assert [word for word in NEVER if word in page] == []


def test_the_page_is_html_without_a_fault(browser, community, record):
    record(say(Outcome.MODIFIED))
    page = browser.get(PAGE).text
    document = JustHTML(page, sanitize=False, strict=True, scripting_enabled=False)
    ids = [str(node.attrs["id"]) for node in document.query("[id]")]
    assert len(ids) == len(set(ids))
    for node in document.query("[aria-labelledby]"):
        assert node.attrs["aria-labelledby"] in ids
    assert not re.search(r"\son[a-z]+=|\sstyle=|<style", page)


def test_a_long_history_costs_no_more_queries_than_a_short_one(browser, context, record):
    record(say())
    with count_queries(context) as short:
        browser.get(PAGE)
    for number in range(100):
        record(say(Outcome.MODIFIED if number % 3 else Outcome.GENUINE))
    with count_queries(context) as long:
        browser.get(PAGE)
    assert len(long) == len(short) == 3, long
    for path, cost in ((BADGE, 1), (FEED, 3)):
        with count_queries(context) as seen:
            browser.get(path)
        assert len(seen) == cost, seen


def test_an_address_that_is_not_ours_has_no_history(browser, community):
    page = browser.get("/check/smith.example.org").text
    assert "GENUINE" in page
    assert "The last 90 days" not in page
    assert "feed.atom" not in page


def test_the_words_read_at_grade_six():
    texts = [words.STRIP_HINT, words.FEED_HINT, *(square.means for square in words.LEGEND)]
    assert [text for text in texts if grade(text) > 6] == []


def test_every_outcome_has_its_square_and_no_two_squares_differ_by_colour_alone():
    assert set(words.SQUARES) == {*Outcome, None}
    assert len({square.sign for square in words.LEGEND}) == len(words.LEGEND)
    assert {words.SQUARES[outcome] for outcome in ALARMING} == {words.BAD}
    assert words.FITS not in [words.SQUARES[o] for o in Outcome if o is not Outcome.GENUINE]


# -- the badge -----------------------------------------------------------------------------------


def read_badge(answer):
    """Its texts, after a strict reading of the XML."""
    assert answer.status_code == 200
    assert answer.mimetype == "image/svg+xml"
    root = ElementTree.fromstring(answer.data)  # noqa: S314 - our own
    assert root.tag == f"{SVG}svg"
    title = root.find(f"{SVG}title")
    assert title is not None
    return title.text, [text.text for text in root.iter(f"{SVG}text")]


def test_the_badge_says_what_was_recorded_and_when(browser, context, community):
    context.clock.sleep(250)
    title, texts = read_badge(browser.get(BADGE))
    assert texts == ["Taarafo check", "reports 1.0.0 · 4 minutes ago"]
    assert title == f"Taarafo check: reports 1.0.0 · 4 minutes ago. {LIMIT}"


def test_the_badge_asks_nobody(browser, community, found):
    for path in (BADGE, FEED, "/check/nobody/badge.svg", "/check/nobody/feed.atom"):
        browser.get(path)
    assert found["asked"] == 0


def test_other_pages_may_show_the_badge_and_keep_it_a_minute(browser, community):
    headers = browser.get(BADGE).headers
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Cache-Control"] == "public, max-age=60"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "Set-Cookie" not in headers
    browser.get("/start", follow_redirects=True)  # from then on she has a session that is kept
    assert "Set-Cookie" not in browser.get(BADGE).headers
    assert browser.get(PAGE).headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_a_badge_that_promises_nothing(browser, community, record, outcome):
    record(say(outcome))
    _, texts = read_badge(browser.get(BADGE))
    assert texts[1] == f"{words.BADGES[outcome].format(version='1.0.0')} · just now"
    assert [word for word in NEVER if word in browser.get(BADGE).text.lower()] == []
    assert ("reports" in texts[1]) == (outcome in (Outcome.GENUINE, Outcome.OUTDATED))


def test_the_badge_draws_nothing_from_elsewhere_and_nothing_that_our_policy_forbids(
    browser, community
):
    drawn = browser.get(BADGE).text
    for forbidden in ("style", "href", "url(", "<image", "<script", "@font-face", "<use"):
        assert forbidden not in drawn
    assert drawn.count("http") == 1, "the name space alone"


def test_what_stands_in_a_release_cannot_leave_the_drawing(browser, community, record):
    record(say(version='1"><script>&'))
    _, texts = read_badge(browser.get(BADGE))
    assert texts[1] == 'reports 1"><script>& · just now'
    assert "<script" not in browser.get(FEED).text
    ElementTree.fromstring(browser.get(FEED).data)  # noqa: S314 - our own


def test_a_word_has_the_room_that_it_takes():
    assert measure("") == 0
    assert measure("iiii") < measure("aaaa") < measure("mmmm")


def test_the_rule_of_the_badge_wins_over_that_of_the_page(browser, community):
    for typed in (ADDRESS, "smith-family", "Smith-Family.localhost", "a/b/c", "..", "a b"):
        assert browser.get(f"/check/{typed}/badge.svg").mimetype == "image/svg+xml"
    assert browser.get("/check/badge.svg").mimetype == "text/html", "that is an address"


def test_a_busy_page_may_show_its_badge_and_who_hurries_is_slowed_down(browser, community):
    statuses = [browser.get("/check/x/badge.svg").status_code for _ in range(301)]
    assert statuses == [200] * 300 + [429]


def test_to_ask_for_the_head_alone_costs_as_much(browser, found):
    statuses = [browser.head(f"/check/number-{n}").status_code for n in range(31)]
    assert statuses == [200] * 30 + [429]


# -- whom it tells nothing -----------------------------------------------------------------------


def make_silent(context, community, found):
    found["now"] = SILENT
    record_verdict(context, community)


def make_removing(context, community, found):
    request_removal(
        context, community, typed=community.label, even_without_backup=True, requested_by="test"
    )


def make_removed(context, community, found):
    removal = request_removal(
        context, community, typed=community.label, even_without_backup=True, requested_by="test"
    )
    run_operation(context, removal.id)


def make_unchecked(context, community, found):
    context.store.change_community(
        community.id, verdict="", verdict_detail={}, checked_at=None, state=CommunityState.RUNNING
    )


@pytest.mark.parametrize("make_so", [make_silent, make_removing, make_removed, make_unchecked])
def test_an_address_without_a_report_looks_like_one_that_never_was(
    browser, context, community, found, make_so
):
    never, known = browser.get("/check/never-was/badge.svg"), browser.get(BADGE)
    assert never.data != known.data
    make_so(context, community, found)
    now = browser.get(BADGE)
    assert now.data == never.data
    assert now.headers == never.headers
    feed, no_feed = browser.get(FEED), browser.get("/check/never-was/feed.atom")
    assert (feed.status_code, no_feed.status_code) == (404, 404)
    assert feed.text.replace(ADDRESS, "never-was.localhost:8080") == no_feed.text
    assert len(feed.headers) == len(no_feed.headers)


@pytest.mark.parametrize("typed", ["never-was", "..", "a b", "<script>", "é", "x" * 400, "a/b"])
def test_every_slip_gives_the_same_badge(browser, community, typed):
    title, texts = read_badge(browser.get(f"/check/{typed}/badge.svg"))
    assert (title, texts[1]) == ("Taarafo check: no report.", "no report")
    assert browser.get(f"/check/{typed}/badge.svg").data == (
        browser.get("/check/nobody/badge.svg").data
    )
    assert words.NOTHING_HERE in browser.get(f"/check/{typed}/feed.atom").text


def test_one_who_knows_the_id_learns_nothing_by_it(browser, community):
    nothing = browser.get("/check/nobody/badge.svg").data
    assert browser.get(f"/check/{community.id}/badge.svg").data == nothing
    assert browser.get(f"/check/{community.id}/feed.atom").status_code == 404


def test_nothing_of_a_removed_community_is_in_the_pages_of_who_follows(
    app, browser, context, community, record, found
):
    record(say(Outcome.MODIFIED))
    before = read_feed(browser.get(FEED))[0]
    make_removed(context, context.store.get_community(community.id), found)
    context.clock.sleep(3600)
    found["now"] = say()
    make(context)
    app.extensions["taarafo-verdicts"] = RecentVerdicts()
    page = browser.get(PAGE).text
    assert "GENUINE on 1 of 1 day." in page
    assert "MODIFIED" not in page
    after, entries = read_feed(browser.get(FEED))
    assert after != before
    assert len(entries) == 1


def test_no_name_of_a_community_or_a_person_is_told(browser, community):
    for path in (PAGE, BADGE, FEED):
        text = browser.get(path).text
        assert community.name not in text
        assert community.founder not in text


# -- the feed ------------------------------------------------------------------------------------


def read_feed(answer):
    """The feed's id and its entries, after a strict look at both (RFC 4287 §4.1)."""
    assert answer.status_code == 200
    assert answer.mimetype == "application/atom+xml"
    assert answer.data.startswith(b'<?xml version="1.0" encoding="utf-8"?>')
    feed = ElementTree.fromstring(answer.data)  # noqa: S314 - our own
    assert feed.tag == f"{ATOM}feed"
    assert feed.find(f"{ATOM}author/{ATOM}name").text
    links = {link.get("rel"): link.attrib for link in feed.findall(f"{ATOM}link")}
    assert set(links) == {"self", "alternate"}
    assert links["self"]["href"] == f"http://localhost:8080{FEED}"
    assert links["self"]["type"] == "application/atom+xml"
    assert links["alternate"]["href"] == f"http://localhost:8080{PAGE}"
    entries = feed.findall(f"{ATOM}entry")
    for part in (feed, *entries):
        for name in ("id", "title", "updated"):
            (only,) = part.findall(ATOM + name)
            assert only.text
        assert TAG.fullmatch(part.find(f"{ATOM}id").text)
        moment = datetime.fromisoformat(part.find(f"{ATOM}updated").text)
        assert moment.tzinfo is not None
    ids = [entry.find(f"{ATOM}id").text for entry in entries]
    assert len(set(ids)) == len(ids)
    return feed.find(f"{ATOM}id").text, entries


def test_every_change_is_an_entry_with_a_plain_sentence(browser, community, record):
    record(say())
    record(say(Outcome.MODIFIED))
    record(say(version="1.1.0"))
    record(say(version="1.2.0"))
    answer = browser.get(FEED)
    _, entries = read_feed(answer)
    told = [(e.find(f"{ATOM}title").text, e.find(f"{ATOM}content").text) for e in entries]
    fits = "The report of this server fits the code that was made public."
    assert told == [
        (
            "Another release, still GENUINE",
            f"{fits} It reports release 1.2.0. Before, it was 1.1.0.",
        ),
        ("From MODIFIED to GENUINE", f"{fits} It reports release 1.1.0. Before, it was 1.0.0."),
        (
            "From GENUINE to MODIFIED",
            "Some things here are not as they were made public. It reports release 1.0.0.",
        ),
        ("First check: GENUINE", f"{fits} It reports release 1.0.0."),
    ]
    feed = ElementTree.fromstring(answer.data)  # noqa: S314 - our own
    assert feed.find(f"{ATOM}updated").text == entries[0].find(f"{ATOM}updated").text
    assert feed.find(f"{ATOM}subtitle").text == LIMIT


def test_an_entry_keeps_its_id_when_others_follow(browser, community, record):
    _, before = read_feed(browser.get(FEED))
    for number in range(60):
        record(say(version=f"1.0.{number + 1}"), days=0.01)
        if number == 10:
            _, between = read_feed(browser.get(FEED))
    assert between[-1].find(f"{ATOM}id").text == before[0].find(f"{ATOM}id").text
    assert len(read_feed(browser.get(FEED))[1]) == 50


def test_a_change_without_a_report_names_no_release(browser, community, record):
    record(replace(say(Outcome.REJECTED), release=""))
    (newest, _) = read_feed(browser.get(FEED))[1]
    assert newest.find(f"{ATOM}content").text == "We do not believe the report of this server."


def test_a_reader_that_has_it_already_is_told_so(browser, community, record):
    first = browser.get(FEED)
    again = browser.get(FEED, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    record(say(Outcome.STALE))
    changed = browser.get(FEED, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200


def test_who_hurries_to_the_feed_is_slowed_down(browser, community):
    statuses = [browser.get(FEED).status_code for _ in range(31)]
    assert statuses == [200] * 30 + [429]


def test_a_feed_without_a_change_is_one_too(app, browser, community, monkeypatch):
    """As it is right after an update from a version that kept no history."""
    monkeypatch.setattr("web.check.feed.show_past", lambda *_: Past((), "", "", ()))
    _, entries = read_feed(browser.get(FEED))
    assert entries == []


def test_a_badge_of_a_check_without_a_release_names_none(context):
    class Nothing:
        verdict = replace(say(), release="")
        version = ""
        checked_at = context.clock.now() - timedelta(days=3)

    assert draw_badge(Nothing, context.clock.now()).text == "reports a release · 3 days ago"
