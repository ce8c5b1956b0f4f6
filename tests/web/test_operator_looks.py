"""The operator's and the check pages in real Chromium: axe finds nothing, news arrive alone."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import BrowserContext, Locator, expect
from werkzeug.serving import make_server

from provisioner.core.appraisal.wording import summarize
from provisioner.engine.checks.attest import record_verdict
from provisioner.engine.keys import get_keys
from provisioner.engine.operations import run_operation
from provisioner.engine.operators import make_operator_link
from provisioner.models.verdict import Finding, Outcome, Verdict
from tests.browser.chromium import SCREENS, find_faults, open_screen
from tests.web.serving import PASSWORD
from tests.web.test_operator import make

pytestmark = pytest.mark.browser
LONG_PATH = "/usr/lib/python3/" + "a-folder-with-a-long-name/" * 5 + "module.py"


@pytest.fixture
def url(app) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.port}"
    server.shutdown()


@pytest.fixture
def judged(context, monkeypatch) -> Verdict:
    """What every check finds."""
    now = context.clock.now()
    verdict = Verdict(
        Outcome.MODIFIED,
        (
            Finding("signature", Outcome.GENUINE, "The agent of host h1 signed this report."),
            Finding("files", Outcome.MODIFIED, "1 path differs.", (LONG_PATH,)),
        ),
        measured_at="2026-01-02T03:04:05Z",
        summary=summarize(Outcome.MODIFIED, "release 1.0.0 of Taarafo", now, now),
    )
    for module in ("provisioner.engine.checks.attest", "web.check.ask"):
        monkeypatch.setattr(f"{module}.check_community", lambda *_, **__: verdict)
    return verdict


def enter(tab: BrowserContext, url: str, context) -> None:
    """By the one-time link, as a person does it."""
    page = tab.new_page()
    page.goto(f"{url}/operator/welcome/{make_operator_link(context)}")
    assert find_faults(page) == []
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Set the password and sign in").click()
    expect(page.get_by_role("heading", name="Communities", exact=True)).to_be_visible()
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_every_page_is_for_everybody(chromium, url, context, judged, screen, scheme):
    tab = open_screen(chromium, screen, scheme)
    page, found = tab.new_page(), []
    strangers = ("/check", "/check?address=", "/check/smith-family", "/operator/sign-in")
    for path in (*strangers, "/operator/welcome/used"):
        page.goto(url + path)
        found += find_faults(page)
    enter(tab, url, context)
    page.goto(f"{url}/operator")
    found += find_faults(page)
    done, finished = make(context)
    waiting, operation = make(context, "W" * 80, runs=False)
    for path in (
        "",
        "?search=zzz",
        f"/communities/{done.id}",
        f"/communities/{waiting.id}",
        f"/operations/{finished.id}",
        f"/operations/{operation.id}",
        "/api-tokens",
    ):
        page.goto(f"{url}/operator{path}")
        found += find_faults(page)
    page.goto(f"{url}/operator/api-tokens")
    page.get_by_label("What it is for").fill("a backup program")
    with page.expect_navigation():
        page.get_by_role("button", name="Make a token").click()
    found += find_faults(page)
    page.goto(f"{url}/operator/communities/{done.id}")
    page.get_by_label("to confirm").fill("another")
    page.get_by_role("button", name="Remove this community").click()
    expect(page.get_by_role("alert")).to_contain_text("please type its address")
    found += find_faults(page)
    assert found == []


def test_an_address_without_a_report_is_for_everybody(chromium, url, context, judged, monkeypatch):
    nothing = Finding("signature", Outcome.UNVERIFIABLE, "Nothing.")
    verdict = replace(judged, outcome=Outcome.UNVERIFIABLE, findings=(nothing,), measured_at="")
    monkeypatch.setattr("web.check.ask.check_community", lambda *_, **__: verdict)
    page = chromium.new_context(bypass_csp=True).new_page()
    page.goto(f"{url}/check/nobody")
    assert find_faults(page) == []


MISHAPS = {3: Outcome.REJECTED, 9: Outcome.STALE, 10: Outcome.OUTDATED, 40: Outcome.UNKNOWN}


def live_through(context, community, judged, monkeypatch) -> None:
    """Seventy days with a bit of everything; the last of them is `judged`."""
    found = {"now": judged}
    monkeypatch.setattr(
        "provisioner.engine.checks.attest.check_community", lambda *_, **__: found["now"]
    )
    begun = context.clock.moment
    for number in range(70):
        context.clock.moment = begun - timedelta(days=70 - number)
        outcome = MISHAPS.get(number, Outcome.GENUINE)
        found["now"] = replace(judged, outcome=outcome, release=f"app/x/stable/1.{number}/r.json")
        record_verdict(context, community)
    found["now"], context.clock.moment = judged, begun
    record_verdict(context, community)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_the_last_90_days_are_for_everybody(
    chromium, url, context, app, judged, monkeypatch, screen, scheme
):
    width, _ = SCREENS[screen]
    tab = open_screen(chromium, screen, scheme)
    community, _ = make(context)
    live_through(context, community, judged, monkeypatch)
    enter_quietly(tab, url, context, app)
    console = get_keys(context, community).console_token
    page, found = tab.new_page(), []
    for path in ("/check/smith-family", f"/operator/communities/{community.id}", f"/my/{console}"):
        page.goto(url + path)
        page.locator("details").evaluate_all("all => all.forEach(each => (each.open = true))")
        found += find_faults(page)
        if strip := page.locator(".strip").all():
            assert look_at(strip[0], width) == []
            named = page.get_by_role("img", name=re.compile(r"^GENUINE on 66 of 71 days; "))
            expect(named).to_be_visible()
    assert found == []


def look_at(strip: Locator, width: int) -> list[str]:
    """What is wrong with the squares, as they are drawn."""
    squares = strip.locator(".square").evaluate_all(
        "all => all.map(each => ({...each.getBoundingClientRect().toJSON(), title: each.title}))"
    )
    wrong = [] if len(squares) == 90 else [f"{len(squares)} squares"]
    for each in squares:
        if each["left"] < 0 or each["right"] > width or each["width"] < 14 or not each["title"]:
            wrong.append(str(each))
    return wrong


def test_colours_of_ones_own_leave_the_days_apart(chromium, url, context, judged, monkeypatch):
    """Who sees no colours, or has her own, tells the squares by their signs."""
    community, _ = make(context)
    live_through(context, community, judged, monkeypatch)
    page = chromium.new_context(forced_colors="active").new_page()
    page.goto(f"{url}/check/smith-family")
    signs = page.locator(".strip .square").all_inner_texts()
    assert "".join(signs) == "===!=====?o" + "=" * 29 + "?" + "=" * 29 + "!"


def test_the_badge_shows_on_a_page_of_another_place(chromium, url, context, judged):
    """A real embedding: another site, with the strictest rule for what it takes in."""
    community, _ = make(context)

    def show(_, start_response) -> list[bytes]:
        rules = [("Cross-Origin-Embedder-Policy", "require-corp"), ("Content-Type", "text/html")]
        start_response("200 OK", rules)
        return [f"<img src='{url}/check/{community.address}/badge.svg'>".encode()]

    server = make_server("127.0.0.1", 0, show, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = chromium.new_context().new_page()
    page.goto(f"http://127.0.0.1:{server.port}")
    drawn = page.locator("img").evaluate("async each => (await each.decode(), each.naturalWidth)")
    server.shutdown()
    assert drawn > 150


def test_news_of_an_operation_arrive_by_themselves(chromium, url, context, app):
    tab = chromium.new_context()
    enter_quietly(tab, url, context, app)
    page, said = tab.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    _, operation = make(context, runs=False)
    page.goto(f"{url}/operator/operations/{operation.id}")
    expect(page.locator("[data-live-steps]")).to_contain_text("waits for a worker")
    (step, *_) = context.store.plan_steps(operation.id, ["check_room", "pin_release"])
    context.store.record_step(step, "started", context.clock.now())
    context.store.log(operation.id, "check_room", "measuring <b>the disk</b>", context.clock.now())
    expect(page.locator("[data-live-steps]")).to_contain_text("started")
    expect(page.locator("[data-live-log] p")).to_have_count(1)
    expect(page.locator("[data-live-log]")).to_contain_text("measuring <b>the disk</b>")
    run_operation(context, operation.id)
    expect(page.locator("[data-live]")).to_have_count(0)
    expect(page.locator("[data-live-steps]")).to_contain_text("await_health")
    assert said == [], "the content policy was kept"


def test_news_come_without_a_script_too(chromium, url, context, app):
    tab = chromium.new_context(java_script_enabled=False)
    enter_quietly(tab, url, context, app)
    page = tab.new_page()
    _, operation = make(context, runs=False)
    page.goto(f"{url}/operator/operations/{operation.id}")
    expect(page.locator("[data-live-steps]")).to_contain_text("waits for a worker")
    run_operation(context, operation.id)
    expect(page.locator("[data-live-steps]")).to_contain_text("await_health", timeout=15_000)


def enter_quietly(tab: BrowserContext, url: str, context, app) -> None:
    """With the cookie of a browser that came in before."""
    from tests.web.serving import sign_in

    cookie = sign_in(context, app).get_cookie("taarafo")
    assert cookie
    tab.add_cookies([{"name": "taarafo", "value": cookie.value, "url": url}])
