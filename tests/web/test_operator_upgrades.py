"""The dashboard of upgrades: what moves, what waits and why, and every button on it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from provisioner.engine.keys import get_keys
from provisioner.engine.upgrades.roll_out import roll_out
from provisioner.errors import PromiseBroken
from provisioner.models.operation import OperationState
from tests.engine.town import make_version
from tests.web.serving import count_queries, post, sign_in
from tests.web.test_operator import add_many, make

UPGRADES = "/operator/upgrades"
OLD = "app/taarafo/stable/1.0.0/release.json"
TARGET = "app/taarafo/stable/1.0.1/release.json"


@pytest.fixture
def browser(context, app):
    return sign_in(context, app)


def publish(context, version="1.0.1"):
    recipe = {"notes": "Photos load faster."}
    return context.releases.publish(make_version(version, **recipe))


def add_fleet(context, count):
    add_many(context, count, release=OLD, version="1.0.0")


def test_nothing_to_bring_is_said(browser):
    assert "Nothing to bring to anybody" in browser.get(UPGRADES).text


def test_what_moves_what_waits_and_why(context, browser):
    add_fleet(context, 31)
    publish(context)
    context.clock.moment = context.clock.moment.replace(hour=3)
    assert roll_out(context) == context.settings.upgrades_at_once
    page = browser.get(UPGRADES).text
    assert "taarafo 1.0.1" in page
    assert "Starting 4" in page
    assert "Photos load faster." in page
    assert page.count("upgrade to 1.0.1") == 4
    assert "its turn has not come" in page
    assert "it is being upgraded now" in page
    busy = context.store.list_busy()
    community = next(
        each for each in context.store.list_fleet("taarafo", "stable") if each.id not in busy
    )
    rows = {
        "pin": ({"version": "1.0.0"}, "it stays at 1.0.0"),
        "postpone": ({"days": "3", "why": "A <b>wedding</b>"}, "A &lt;b&gt;wedding&lt;/b&gt;"),
    }
    for action, (fields, said) in rows.items():
        each = f"/operator/communities/{community.id}"
        if action == "postpone":
            post(browser, each, f"{each}/pin", version="")
        assert post(browser, each, f"{each}/{action}", **fields).status_code == 303
        roll_out(context)
        assert said in browser.get(UPGRADES).text


def test_pause_and_resume(context, browser):
    add_fleet(context, 30)
    publish(context)
    roll_out(context)
    assert post(browser, UPGRADES, "/operator/rollouts/pause", target=TARGET).status_code == 303
    page = browser.get(UPGRADES).text
    assert "Resume it" in page
    assert post(browser, UPGRADES, "/operator/rollouts/resume", target=TARGET).status_code == 303
    assert "Pause it" in browser.get(UPGRADES).text
    assert post(browser, UPGRADES, "/operator/rollouts/dance", target=TARGET).status_code == 303
    assert post(browser, UPGRADES, "/operator/rollouts/pause", target="x").status_code == 404


def test_a_rollout_that_is_over_is_left_alone_in_words(context, browser):
    add_fleet(context, 1)
    publish(context)
    roll_out(context)
    row = context.store.get_rollout(TARGET)
    context.store.change_rollout(row, state="done")
    answer = post(browser, "/operator/api-tokens", "/operator/rollouts/pause", target=TARGET)
    assert answer.status_code == 409
    assert "This rollout is over." in answer.text


def test_upgrade_and_back_by_two_buttons(context, browser):
    community, _ = make(context)
    page = f"/operator/communities/{community.id}"
    assert "is the newest version in stable" in post(browser, page, f"{page}/upgrade").text
    publish(context)
    answer = post(browser, page, f"{page}/upgrade")
    assert answer.status_code == 303
    assert "/operator/operations/" in answer.headers["Location"]
    assert post(browser, page, f"{page}/upgrade").status_code == 409, "one at a time"
    refused = post(browser, page, f"{page}/rollback")
    assert refused.status_code == 409
    assert "never run another version" in refused.text


@pytest.mark.parametrize(
    ("action", "fields", "said"),
    [
        ("pin", {"version": "latest"}, "is no version"),
        ("postpone", {"days": "3", "why": ""}, "Say why"),
        ("postpone", {"days": "many", "why": "x"}, "delay of 1 to 90"),
        ("zone", {"zone": "Mars/Olympus"}, "no time zone"),
        ("channel", {"channel": "beta"}, "is no channel"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_in_words(context, browser, action, fields, said):
    community, _ = make(context)
    page = f"/operator/communities/{community.id}"
    answer = post(browser, page, f"{page}/{action}", **fields)
    assert answer.status_code == 422
    assert said in answer.text


def test_it_costs_the_same_for_many(context, browser):
    make(context)
    publish(context)
    roll_out(context)
    browser.get(UPGRADES)
    with count_queries(context) as few:
        browser.get(UPGRADES)
    add_fleet(context, 500)
    roll_out(context)
    with count_queries(context) as many:
        assert "501" in browser.get(UPGRADES).text
    assert len(few) == len(many) <= 8


def test_a_bad_release_is_told_to_the_operator_and_to_both_founders(context, app, browser):
    """One got it and was put back; the other was spared."""
    pages = {}
    for name in ("The Smith Family", "The García Family"):
        community, _ = make(context, name)
        pages[community.id] = f"/my/{get_keys(context, community).console_token}"
    publish(context)
    context.clock.moment = context.clock.moment.replace(hour=3)
    roll_out(context)
    (asked,) = context.store.list_stranded(context.clock.now())
    end_badly(context, asked)
    roll_out(context)
    canary = context.store.get_community(context.store.get_operation(asked).community_id)
    page = browser.get(UPGRADES).text
    assert "Halted: the first one failed, and nobody is started." in page
    assert f"<bdi>{canary.name}</bdi></a> failed" in page
    assert "keep the promise “Only people you invite can join.”" in page
    assert "nobody is started while it is halted" in page
    tried, held = "a newer one was tried last night", "and is held back"
    for each, link in pages.items():
        told = app.test_client().get(link, follow_redirects=True).text
        assert told.count("Your community stays on its version") == 1
        assert (tried in told, held in told) == (each == canary.id, each != canary.id)
    publish(context, "1.0.2")
    roll_out(context)
    for link in pages.values():
        told = app.test_client().get(link, follow_redirects=True).text
        assert "stays on its version" not in told, "a better one is on its way"


def test_early_is_chosen_and_told_on_both_pages(context, browser):
    community, _ = make(context)
    page = f"/operator/communities/{community.id}"
    assert "stable. 1.0.0 is the newest version in stable." in browser.get(page).text
    assert post(browser, page, f"{page}/channel", channel="early").status_code == 303
    assert "early. Nothing is published in early yet" in browser.get(page).text
    early = make_version("1.0.1").model_copy(update={"channel": "early"})
    context.releases.publish(early)
    assert "1.0.1 is the newest version in early, and comes by itself." in browser.get(page).text
    roll_out(context)
    shown = browser.get(UPGRADES).text
    assert '<span class="tag">early</span>' in shown
    assert "Not for everybody yet: nobody here runs it on early yet." in shown
    changed = {"release": early.target, "version": "1.0.1", "upgraded_at": context.clock.now()}
    context.store.change_community(community.id, **changed)
    post(browser, page, f"{page}/channel", channel="stable")
    assert "It stays at 1.0.1 until stable has caught up" in browser.get(page).text
    publish(context)
    roll_out(context)
    assert "1.0.1 is the newest version in stable" in browser.get(page).text
    assert "Not for everybody yet" not in browser.get(UPGRADES).text


def end_badly(context, operation_id):
    assert context.store.lease(operation_id, "me", context.clock.now(), 60.0)
    problem = PromiseBroken(promise="Only people you invite can join.")
    context.store.record_end(
        operation_id,
        "me",
        OperationState.FAILED,
        context.clock.now(),
        message=problem.explain(),
        error_code=problem.code,
    )
    context.clock.moment += timedelta(hours=8)


def test_the_founder_reads_one_sentence_before_and_after(context, app):
    community, _ = make(context)
    publish(context)
    context.clock.moment = context.clock.moment.replace(hour=22)
    roll_out(context)
    founder = app.test_client()
    link = f"/my/{get_keys(context, community).console_token}"
    page = founder.get(link, follow_redirects=True).text
    assert "Tonight, while you sleep, your community gets a newer version." in page
    assert "What is new: Photos load faster." in page
    context.store.change_community(
        community.id, release=TARGET, version="1.0.1", upgraded_at=context.clock.now()
    )
    context.clock.moment += timedelta(hours=30)
    page = founder.get(link, follow_redirects=True).text
    assert "Your community got a newer version" in page
    context.clock.moment += timedelta(days=20)
    assert "newer version" not in founder.get(link, follow_redirects=True).text
