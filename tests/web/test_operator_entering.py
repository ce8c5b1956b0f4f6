"""Coming in as the operator, and keeping everybody else out."""

from __future__ import annotations

from datetime import timedelta

import pytest

from provisioner.engine.operators import make_operator_link
from tests.web.serving import PASSWORD, post, sign_in

SIGN_IN = "/operator/sign-in"


def test_looking_at_the_link_uses_nothing_up(context, app):
    link = f"/operator/welcome/{make_operator_link(context)}"
    for _ in range(3):
        assert app.test_client().get(link).status_code == 200
    browser = app.test_client()
    assert post(browser, link, link, password="short").status_code == 422
    assert post(browser, link, link, password=PASSWORD).headers["Location"] == "/operator"
    assert browser.get("/operator").status_code == 200
    used = app.test_client().get(link)
    assert used.status_code == 410
    assert "./taarafo up" in used.text


def test_a_link_runs_out_and_is_replaced_by_a_newer_one(context, app):
    old, new = make_operator_link(context), make_operator_link(context)
    assert app.test_client().get(f"/operator/welcome/{old}").status_code == 410
    assert app.test_client().get(f"/operator/welcome/{new}").status_code == 200
    context.clock.moment += timedelta(days=1, seconds=1)
    assert app.test_client().get(f"/operator/welcome/{new}").status_code == 410


def test_the_password_opens_it_and_nothing_else_does(context, app):
    sign_in(context, app)
    browser = app.test_client()
    assert post(browser, SIGN_IN, SIGN_IN, password="wrong wrong").status_code == 403
    assert post(browser, SIGN_IN, SIGN_IN, password="x" * 5000).status_code == 403
    assert browser.get("/operator").status_code == 303
    assert post(browser, SIGN_IN, SIGN_IN, password=PASSWORD).status_code == 303
    assert browser.get("/operator").status_code == 200


def test_before_a_password_is_set_the_page_says_where_the_link_is(app):
    page = app.test_client().get(SIGN_IN).text
    assert "No password is set yet" in page
    assert 'type="password"' not in page


def test_guessing_is_slowed_down(context, app):
    sign_in(context, app)
    browser = app.test_client()
    answers = [post(browser, SIGN_IN, SIGN_IN, password="guess guess") for _ in range(12)]
    assert [a.status_code for a in answers] == [403] * 10 + [429] * 2


def test_it_leads_back_to_the_page_that_was_wanted(context, app):
    sign_in(context, app)
    browser = app.test_client()
    asked = browser.get("/operator/api-tokens").headers["Location"]
    assert asked == "/operator/sign-in?next=/operator/api-tokens"
    page = browser.get(asked).text
    wanted = page.split('name="next" value="')[1].split('"')[0]
    answer = post(browser, SIGN_IN, SIGN_IN, password=PASSWORD, next=wanted)
    assert answer.headers["Location"] == "/operator/api-tokens"


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example", "//evil.example", "/operator//evil", "/\\evil", "/operator\\x", ""],
)
def test_it_never_leads_elsewhere(context, app, elsewhere):
    sign_in(context, app)
    browser = app.test_client()
    answer = post(browser, SIGN_IN, SIGN_IN, password=PASSWORD, next=elsewhere)
    assert answer.headers["Location"] == "/operator"


def test_signing_out_ends_copied_cookies_too(context, app):
    browser = sign_in(context, app)
    stolen = app.test_client()
    stolen.set_cookie("taarafo", browser.get_cookie("taarafo").value)
    assert stolen.get("/operator").status_code == 200
    assert post(browser, "/operator", "/operator/sign-out").status_code == 303
    assert browser.get("/operator").status_code == 303
    assert stolen.get("/operator").status_code == 303


def test_a_new_password_ends_older_sessions(context, app):
    older = sign_in(context, app)
    newer = sign_in(context, app)
    assert older.get("/operator").status_code == 303
    assert newer.get("/operator").status_code == 200


def test_a_session_ends_by_itself(context, app):
    browser = sign_in(context, app)
    context.clock.moment += timedelta(days=7, seconds=1)
    assert browser.get("/operator").status_code == 303


PAGES = [
    "/operator",
    "/operator/api-tokens",
    "/operator/upgrades",
    "/operator/communities/" + "0" * 32,
    "/operator/operations/" + "0" * 32,
    "/operator/operations/" + "0" * 32 + "/events",
]
ACTIONS = [
    "/operator/api-tokens",
    "/operator/api-tokens/1/revoke",
    "/operator/sign-out",
    "/operator/communities/" + "0" * 32 + "/check",
    "/operator/communities/" + "0" * 32 + "/remove",
    "/operator/communities/" + "0" * 32 + "/upgrade",
    "/operator/communities/" + "0" * 32 + "/rollback",
    "/operator/communities/" + "0" * 32 + "/pin",
    "/operator/communities/" + "0" * 32 + "/postpone",
    "/operator/communities/" + "0" * 32 + "/channel",
    "/operator/communities/" + "0" * 32 + "/quota",
    "/operator/communities/" + "0" * 32 + "/zone",
    "/operator/rollouts/pause",
]


@pytest.mark.parametrize("path", PAGES)
def test_strangers_are_led_to_the_door(context, app, path):
    answer = app.test_client().get(path)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(SIGN_IN)


@pytest.mark.parametrize("path", ACTIONS)
def test_strangers_change_nothing_even_with_a_form_token(context, app, path):
    sign_in(context, app)
    stranger = app.test_client()
    assert post(stranger, SIGN_IN, path, label="mine").status_code == 403


@pytest.mark.parametrize("path", ACTIONS)
def test_the_operator_changes_nothing_from_another_site(context, app, path):
    browser = sign_in(context, app)
    assert browser.post(path, data={"label": "mine"}).status_code == 400, "no form token"
    found = browser.get("/operator/api-tokens").text.split('csrf_token" value="')[1].split('"')[0]
    answer = browser.post(path, data={"csrf_token": found}, headers={"Sec-Fetch-Site": "same-site"})
    assert answer.status_code == 403


def test_every_page_behind_the_door_is_tested_here(app):
    rules = [r for r in app.url_map.iter_rules() if r.endpoint.startswith("operator.")]
    open_to_all = {"/operator/welcome/<token>", SIGN_IN}
    tested = {p.replace("0" * 32, "*").replace("/1/", "/*/") for p in PAGES + ACTIONS}
    known = {
        r.rule.replace("<community_id>", "*")
        .replace("<operation_id>", "*")
        .replace("<int:token_id>", "*")
        .replace("<action>", "pause")
        for r in rules
    }
    assert known - open_to_all == tested
