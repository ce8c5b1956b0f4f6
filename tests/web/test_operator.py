"""The dashboard: what it shows, what it changes, and that its cost does not grow."""

from __future__ import annotations

import re

import pytest

from provisioner.core.promises import plan_promises
from provisioner.engine.checks.attest import record_verdict
from provisioner.engine.chores import carry_chore
from provisioner.engine.create import request_community
from provisioner.engine.machine.own_verdict import record_own_verdict
from provisioner.engine.operations import run_operation
from provisioner.engine.operators import find_api_token
from provisioner.errors import WitnessesMissing
from provisioner.models.community import Community, CommunityState
from provisioner.models.operation import OperationState
from provisioner.models.promise import Preset
from provisioner.models.verdict import Finding, Outcome, Verdict
from tests.web.serving import count_queries, post, sign_in
from web.operator.communities import CHANGES_SHOWN


def make(context, name="The Smith Family", *, runs=True):
    community, operation = request_community(
        context,
        name=name,
        preset=Preset.FAMILY,
        promises=plan_promises(Preset.FAMILY),
        founder="Ann",
        requested_by="test",
    )
    if runs:
        run_operation(context, operation.id)
    return context.store.get_community(community.id), operation


def add_many(context, count, **more):
    with context.store.session() as session:
        for number in range(count):
            session.add(
                Community(
                    label=f"many-{number}",
                    reserved=f"many{number}",
                    address=f"many-{number}.localhost:8080",
                    name=f"Many {number}",
                    founder="Bob",
                    preset="family",
                    promises={},
                    app="taarafo",
                    channel="stable",
                    state=CommunityState.RUNNING,
                    verdict="GENUINE",
                    memory_mb=40,
                    created_at=context.clock.now(),
                    **more,
                )
            )


@pytest.fixture
def browser(context, app):
    return sign_in(context, app)


def test_without_a_community_it_says_how_to_make_one(browser):
    page = browser.get("/operator").text
    assert "No community yet" in page
    assert "./taarafo community create" in page


def test_what_the_worker_could_not_do_is_told(browser, context):
    def fail():
        raise WitnessesMissing("The witness w1 did not cosign: <gone>.", found=0, names="nobody")

    with pytest.raises(WitnessesMissing):
        carry_chore(context, "witnesses", fail)
    page = browser.get("/operator").text
    assert "Asking the witnesses to see the public log again has not worked since" in page
    assert "w1 did not cosign: &lt;gone&gt;" in page
    carry_chore(context, "witnesses", lambda: None)
    assert "has not worked" not in browser.get("/operator").text


def test_the_list_shows_what_the_database_says(browser, context):
    community, _ = make(context)
    context.store.change_community(community.id, memory_mb=41)
    make(context, "Waiting Walkers", runs=False)
    context.clock.sleep(7200)
    page = browser.get("/operator").text
    for shown in ("The Smith Family", "1.0.0", "GENUINE", "41 MB", "running", "creating"):
        assert shown in page
    assert 'title="2026-01-02 03:04:05 UTC">2 hours ago</time>' in page


def test_search_and_state_narrow_the_list(browser, context):
    make(context)
    make(context, "Waiting Walkers", runs=False)
    assert "Walkers" not in browser.get("/operator?search=smith").text
    assert "Smith" not in browser.get("/operator?state=creating").text.split("<table")[1]
    assert "Nothing fits" in browser.get("/operator?search=zzz").text
    assert "Walkers" in browser.get("/operator?state=nonsense&page=-3").text
    assert browser.get("/operator?page=99999999999999999999").status_code == 200


def test_names_are_shown_and_never_run(browser, context):
    make(context, "<script>alert(1)</script>")
    page = browser.get("/operator").text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_the_control_planes_own_verdict_is_on_top(browser, context, monkeypatch):
    assert "not checked yet" in browser.get("/operator").text
    finding = Finding("files", Outcome.MODIFIED, "a difference")
    monkeypatch.setattr(
        "provisioner.engine.machine.own_verdict.check_community",
        lambda *_: Verdict(Outcome.MODIFIED, (finding,)),
    )
    record_own_verdict(context)
    context.clock.sleep(120)
    top = browser.get("/operator").text.partition('<dl class="totals">')[0]
    assert 'href="/check/localhost:8080">This control plane</a>' in top
    assert '<span class="tag bad">MODIFIED</span>' in top
    assert "2 minutes ago" in top


def test_many_communities_cost_no_more_queries_than_one(browser, context):
    make(context)
    with count_queries(context) as for_one:
        browser.get("/operator")
    context.clock.sleep(1)
    add_many(context, 499)
    with count_queries(context) as for_many:
        page = browser.get("/operator").text
    assert len(for_many) == len(for_one) == 9, for_many
    assert "500 communities, page 1 of 10" in page
    last = browser.get("/operator?page=10").text
    assert "The Smith Family" in last
    assert 'rel="next"' not in last
    assert "search=many" in browser.get("/operator?search=many").text.split('rel="next"')[1]


def test_one_community_shows_facts_promises_findings_and_operations(browser, context):
    community, operation = make(context)
    page = browser.get(f"/operator/communities/{community.id}").text
    assert "app/taarafo/stable/1.0.0/release.json" in page
    assert "Only people you invite can join." in page
    assert "as published" in page
    assert f"/operator/operations/{operation.id}" in page
    assert context.vault.unseal(community.sealed_secrets).decode() not in page
    assert browser.get("/operator/communities/" + "0" * 32).status_code == 404


def test_check_now_records_what_was_found(browser, context, monkeypatch):
    community, _ = make(context)
    changed = Verdict(
        Outcome.MODIFIED,
        (Finding("files", Outcome.MODIFIED, "1 path differs.", ("/srv/<b>.py",)),),
        measured_at="2026-01-02T03:04:05Z",
    )
    monkeypatch.setattr("provisioner.engine.checks.attest.check_community", lambda *_: changed)
    page = f"/operator/communities/{community.id}"
    assert post(browser, page, f"{page}/check").status_code == 303
    shown = browser.get(page).text
    assert "MODIFIED" in shown
    assert "/srv/&lt;b&gt;.py" in shown
    assert context.store.get_community(community.id).verdict == "MODIFIED"


def test_the_last_days_and_changes_are_there_too(browser, context, monkeypatch):
    community, _ = make(context)
    page = f"/operator/communities/{community.id}"
    with count_queries(context) as before:
        shown = browser.get(page).text
    assert "GENUINE on 1 of 1 day." in shown
    assert "First check: GENUINE" in shown
    for number in range(30):
        outcome = Outcome.STALE if number % 2 else Outcome.GENUINE
        monkeypatch.setattr(
            "provisioner.engine.checks.attest.check_community", lambda *_, o=outcome: Verdict(o, ())
        )
        context.clock.sleep(86_400 / 10)
        record_verdict(context, community)
    with count_queries(context) as after:
        shown = browser.get(page).text
    assert "From GENUINE to STALE" in shown
    assert shown.count("<h3>From ") == CHANGES_SHOWN
    assert len(before) == len(after)


def test_what_does_not_run_cannot_be_checked(browser, context):
    community, _ = make(context, runs=False)
    page = f"/operator/communities/{community.id}"
    assert "Check now" not in browser.get(page).text
    assert post(browser, page, f"{page}/check").status_code == 404


def test_removal_needs_the_address_typed(browser, context):
    community, _ = make(context)
    page = f"/operator/communities/{community.id}"
    refused = post(browser, page, f"{page}/remove", typed="yes")
    assert refused.status_code == 422
    assert "please type its address: smith-family" in refused.text
    assert context.store.get_community(community.id).state == CommunityState.RUNNING
    without = post(browser, page, f"{page}/remove", typed="smith-family")
    assert without.status_code == 409
    assert "No copy of The Smith Family" in without.text
    assert 'name="even_without_backup"' in without.text
    sure = {"typed": " Smith-Family ", "even_without_backup": "yes"}
    asked = post(browser, page, f"{page}/remove", **sure)
    assert asked.status_code == 303
    again = post(browser, page, f"{page}/remove", typed="smith-family")
    assert again.status_code == 409
    run_operation(context, asked.headers["Location"].rsplit("/", 1)[1])
    gone = browser.get(page).text
    assert "removed" in gone
    assert "What was found here was forgotten with it." in gone
    assert "The last 90 days" not in gone
    assert "Remove it" not in gone
    assert "No community yet" in browser.get("/operator").text


def test_an_operation_shows_its_steps_and_log(browser, context):
    _, operation = make(context)
    page = browser.get(f"/operator/operations/{operation.id}").text
    assert "await_health" in page
    assert "Opening the front door" in page
    assert "data-live=" not in page
    assert "http-equiv" not in page


def test_a_failed_operation_tells_what_it_never_came_to(browser, context):
    context.engine.failing_jobs = {"-create-owner"}
    _, operation = make(context)
    page = browser.get(f"/operator/operations/{operation.id}").text
    assert context.store.get_operation(operation.id).state == OperationState.FAILED
    assert re.findall(r'>(\w+)</span> <span class="soft"></span></span> *<[^>]*>not reached', page)
    assert "pending" not in page


def test_an_open_operation_renews_itself_without_javascript(browser, context):
    _, operation = make(context, runs=False)
    page = browser.get(f"/operator/operations/{operation.id}").text
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in page
    assert f'data-live="/operator/operations/{operation.id}/events?after=0"' in page
    assert "waits for a worker" in page


def test_news_of_an_operation_come_as_events(browser, context):
    _, operation = make(context, runs=False)
    context.store.log(operation.id, "pin_release", "one\r\nevent: over\n<b>", context.clock.now())
    run_operation(context, operation.id)
    stream = browser.get(f"/operator/operations/{operation.id}/events")
    assert stream.mimetype == "text/event-stream"
    events = [part for part in stream.text.split("\n\n") if "event:" in part]
    names = [line[7:] for e in events for line in e.split("\n") if line.startswith("event: ")]
    assert names == ["steps", "log", "over"], "a log line cannot make an event"
    assert "&lt;b&gt;" in stream.text
    last = context.store.list_log(operation.id)[-1].id
    assert f"id: {last}" in stream.text
    again = browser.get(
        f"/operator/operations/{operation.id}/events", headers={"Last-Event-ID": str(last)}
    )
    assert "event: log" not in again.text
    assert browser.get(f"/operator/operations/{'0' * 32}/events").status_code == 404


def test_a_crowd_of_streams_leaves_threads_for_others(browser, context, app, monkeypatch):
    monkeypatch.setattr("web.operator.watching.STREAM_FOR", 60.0)
    _, operation = make(context, runs=False)
    places = app.extensions["taarafo-operator-streams"]
    while places.acquire(blocking=False):
        pass
    stream = browser.get(f"/operator/operations/{operation.id}/events")
    assert "retry: 3000" in stream.text, "it answered once and ended"
    assert "event: steps" in stream.text


def test_a_token_is_shown_once_and_revoked(browser, context):
    page = "/operator/api-tokens"
    assert "There is none" in browser.get(page).text
    made = post(browser, page, page, label="backup <script>")
    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    token = made.text.split('readonly value="')[1].split('"')[0]
    kept = find_api_token(context, token)
    assert kept is not None
    assert kept.label == "backup <script>"
    listed = browser.get(page).text
    assert token not in listed
    assert "backup &lt;script&gt;" in listed
    assert post(browser, page, f"{page}/{kept.id}/revoke").status_code == 303
    assert find_api_token(context, token) is None
    assert post(browser, page, page, label="  ").status_code == 422


def test_no_page_of_the_operator_touches_docker(browser, context):
    community, operation = make(context)
    del context.engine
    context.settings.docker_host = "unix:///nowhere"
    for path in (
        "/operator",
        f"/operator/communities/{community.id}",
        f"/operator/operations/{operation.id}",
        "/operator/api-tokens",
    ):
        assert browser.get(path).status_code == 200
    page = f"/operator/communities/{community.id}"
    assert post(browser, page, f"{page}/check").status_code == 303
    sure = {"typed": "smith-family", "even_without_backup": "yes"}
    assert post(browser, page, f"{page}/remove", **sure).status_code == 303
    assert "engine" not in vars(context), "nobody built the adapter"
