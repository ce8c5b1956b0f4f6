"""The API: its door, its verbs, its errors, and that no cookie opens it."""

from __future__ import annotations

import json

import pytest

from provisioner.engine.checks.attest import record_verdict
from provisioner.engine.operations import run_operation
from provisioner.engine.operators import list_api_tokens, make_api_token, revoke_api_token
from provisioner.engine.upgrades.roll_out import roll_out
from provisioner.models.verdict import Finding, Outcome, Verdict
from tests.engine.town import make_version
from tests.web.serving import ROOT, make_web, sign_in

API = "/api/v1"
WISH = {"name": "The Smith Family", "founder": "Ann", "preset": "family"}


class Caller:
    """A program with a token."""

    def __init__(self, folder) -> None:
        self.context, self.app = make_web(folder)
        self.token = make_api_token(self.context, "tests")
        self.client = self.app.test_client()

    def __call__(self, method: str, path: str, status: int, **more):
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        answer = self.client.open(API + path, method=method, headers=headers, **more)
        assert answer.status_code == status, answer.text
        return answer.json

    def make(self, **changes):
        """A running community: `(community, operation)` as the API gave them."""
        accepted = self("POST", "/communities", 202, json={**WISH, **changes})
        run_operation(self.context, accepted["operation"]["id"])
        return accepted["community"], accepted["operation"]


@pytest.fixture
def call(tmp_path):
    return Caller(tmp_path)


@pytest.mark.parametrize(
    "path",
    ["/communities", "/operations/" + "0" * 32, "/releases", "/status", "/nothing", "/"],
)
def test_without_a_token_every_address_says_the_same(call, path):
    answer = call.client.get(API + path)
    assert answer.status_code == 401
    assert answer.json["code"] == "token-missing"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "said",
    ["Bearer nonsense-nonsense-nonsense", "Basic YTpi", "Bearer", "Bearer " + "x" * 5000],
)
def test_a_wrong_token_opens_nothing(call, said):
    answer = call.client.get(f"{API}/status", headers={"Authorization": said})
    assert answer.status_code == 401


def test_the_operators_own_cookie_opens_nothing(call):
    browser = sign_in(call.context, call.app)
    assert browser.get("/operator").status_code == 200
    assert browser.get(f"{API}/communities").status_code == 401
    assert browser.post(f"{API}/communities", json=WISH).status_code == 401


def test_a_revoked_token_stops_at_once(call):
    call("GET", "/status", 200)
    (token,) = list_api_tokens(call.context)
    assert token.last_used_at == call.context.clock.now()
    revoke_api_token(call.context, token.id)
    call("GET", "/status", 401)


def test_a_community_is_created_followed_shown_and_removed(call):
    accepted = call("POST", "/communities", 202, json=WISH)
    place, made = accepted["community"]["id"], accepted["operation"]["id"]
    call("GET", f"/communities/{place}/links", 409)
    waiting = call("GET", f"/operations/{made}", 200)
    assert (waiting["state"], waiting["percent"], waiting["is_over"]) == ("queued", 0, False)
    run_operation(call.context, made)
    done = call("GET", f"/operations/{made}", 200)
    assert (done["state"], done["percent"], done["is_over"]) == ("done", 100, True)
    assert {step["state"] for step in done["steps"]} <= {"done", "failed"}
    log = call("GET", f"/operations/{made}/log", 200)
    assert any("release" in line["text"] for line in log["lines"])
    assert call("GET", f"/operations/{made}/log?after={log['last_id']}", 200)["lines"] == []
    for name in (place, "smith-family", "smith-family.localhost:8080"):
        assert call("GET", f"/communities/{name}", 200)["id"] == place
    shown = call("GET", f"/communities/{place}", 200)
    assert shown["promises"]["visibility"] == "hidden"
    assert "Only people you invite can join." in shown["promises_in_words"]
    assert "/welcome/" in call("GET", f"/communities/{place}/links", 200)["signin_url"]
    call("DELETE", f"/communities/{place}", 422)
    call("DELETE", f"/communities/{place}?confirm=another", 422)
    kept = call("DELETE", f"/communities/{place}?confirm=smith-family", 409)
    assert kept["code"] == "nothing-kept"
    sure = f"/communities/{place}?confirm=smith-family&even_without_backup=yes"
    gone = call("DELETE", sure, 202)
    assert gone["community"]["state"] == "removing"
    again = call("DELETE", f"/communities/{place}?confirm=smith-family", 409)
    assert again["code"] == "conflict"
    run_operation(call.context, gone["operation"]["id"])
    assert call("GET", f"/communities/{place}", 404)["code"] == "not-found"


def test_a_community_comes_with_its_history(call, monkeypatch):
    target = "app/taarafo/stable/1.0.0/release.json"
    made, _ = call.make()
    shown = call("GET", f"/communities/{made['id']}", 200)
    assert (shown["history"], shown["changes"]) == ([], []), "no report was met yet"
    for outcome in (Outcome.GENUINE, Outcome.STALE):
        verdict = Verdict(outcome, (Finding("time", outcome, "…"),), release=target)
        monkeypatch.setattr(
            "provisioner.engine.checks.attest.check_community", lambda *_, v=verdict: v
        )
        record_verdict(call.context, call.context.store.get_community(made["id"]))
    shown = call("GET", f"/communities/{made['id']}", 200)
    (day,) = shown["history"]
    assert (day["outcome"], day["checks"], day["genuine"]) == ("STALE", 2, 1)
    assert [
        (each["outcome_before"], each["outcome"], each["release_before"], each["release"])
        for each in shown["changes"]
    ] == [("GENUINE", "STALE", "1.0.0", "1.0.0"), ("", "GENUINE", "", "1.0.0")]


def test_an_accepted_wish_says_where_to_follow_it(call):
    answer = call.client.post(
        f"{API}/communities", json=WISH, headers={"Authorization": f"Bearer {call.token}"}
    )
    assert answer.headers["Location"] == f"{API}/operations/{answer.json['operation']['id']}"
    assert answer.headers["Cache-Control"] == "no-store"


def test_promises_that_are_not_named_stay_as_the_preset_has_them(call):
    made, _ = call.make(preset="club", promises={"adverts": "approved", "country": "US"})
    promises = call("GET", f"/communities/{made['id']}", 200)["promises"]
    assert (promises["adverts"], promises["country"]) == ("approved", "US")
    assert (promises["visibility"], promises["membership"]) == ("link", "ask")


def test_one_key_starts_one_community(call):
    key = {"Idempotency-Key": "abc-1"}
    first = call("POST", "/communities", 202, json=WISH, headers=key)
    second = call("POST", "/communities", 202, json=WISH, headers=key)
    assert first["operation"]["id"] == second["operation"]["id"]
    other = {**WISH, "name": "Somebody Else"}
    refused = call("POST", "/communities", 422, json=other, headers=key)
    assert refused["code"] == "key-used-before"
    assert call("GET", "/communities", 200)["total"] == 1
    call.token = make_api_token(call.context, "another program")
    third = call("POST", "/communities", 202, json=WISH | {"label": "smiths-two"}, headers=key)
    assert third["community"]["id"] != first["community"]["id"], "keys are each token's own"


def test_lists_come_in_pages(call):
    for name in ("Ann One", "Bob Two", "Cid Three"):
        call("POST", "/communities", 202, json={**WISH, "name": name})
    first = call("GET", "/communities?limit=2", 200)
    assert (len(first["items"]), first["total"], first["next_offset"]) == (2, 3, 2)
    last = call("GET", "/communities?limit=2&offset=2", 200)
    assert (len(last["items"]), last["next_offset"]) == (1, None)
    assert call("GET", "/communities?search=bob", 200)["items"][0]["name"] == "Bob Two"
    assert call("GET", "/communities?state=running", 200)["items"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1.0", "limit"),
        ("limit=%2B1", "limit"),
        ("offset=-1", "offset"),
        ("state=happy", "state"),
        ("colour=red", "colour"),
        ("limit=1&limit=2", "limit"),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused_by_name(call, query, field):
    refused = call("GET", f"/communities?{query}", 422)
    assert [problem["field"] for problem in refused["problems"]] == [field]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": 7}, "name"),
        ({"name": "🙂"}, "name"),
        ({"preset": "empire"}, "preset"),
        ({"surprise": True}, "surprise"),
        ({"label": "admin"}, "label"),
        ({"label": "../../etc"}, "label"),
        ({"email": "not one"}, "email"),
        ({"promises": {"visibility": "secret"}}, "promises.visibility"),
    ],
)
def test_a_body_that_cannot_be_meant_is_refused_by_field(call, change, field):
    refused = call("POST", "/communities", 422, json={**WISH, **change})
    assert field in [problem["field"] for problem in refused["problems"]]
    assert refused["explain"]
    assert "still here" not in refused["next_step"]
    assert call("GET", "/communities", 200)["total"] == 0


def test_what_is_no_json_is_refused(call):
    call("POST", "/communities", 415, data="name=x")
    call("POST", "/communities", 422, data="{", content_type="application/json")
    too_long = json.dumps({**WISH, "label": "x" * 70_000})
    call("POST", "/communities", 413, data=too_long, content_type="application/json")


def test_a_taken_name_comes_with_another_one(call):
    call.make()
    refused = call("POST", "/communities", 422, json={**WISH, "label": "smith-family"})
    assert refused["code"] == "name-refused"
    assert "smith-family-home" in refused["next_step"]


def test_a_full_disk_starts_nothing(call):
    call.context.room.free = 10
    assert call("POST", "/communities", 507, json=WISH)["code"] == "not-enough-room"


def test_wrong_methods_name_the_right_ones(call):
    headers = {"Authorization": f"Bearer {call.token}"}
    answer = call.client.patch(f"{API}/communities", headers=headers)
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}
    assert call("GET", "/nothing/here", 404)["code"] == "not-found"


def test_an_error_nobody_expected_has_a_reference_and_no_detail(call, caplog):
    call.app.config["PROPAGATE_EXCEPTIONS"] = False
    call.context.releases.error = RuntimeError("the inside story")
    answer = call("GET", "/releases", 500)
    assert len(answer["reference"]) == 8
    assert "inside" not in json.dumps(answer)
    assert answer["reference"] in caplog.text


def test_releases_come_as_their_signed_entries_say(call):
    (release,) = call("GET", "/releases", 200)["items"]
    assert release["target"] == "app/taarafo/stable/1.0.0/release.json"
    assert release["is_self_built"] is True


def test_status_counts(call):
    call.make()
    call("POST", "/communities", 202, json={**WISH, "name": "Second"})
    status = call("GET", "/status", 200)
    assert status["communities"] == {"creating": 1, "running": 1}
    assert status["open_operations"] == 1


def test_a_check_is_an_answer_even_when_nothing_is_there(call):
    verdict = call("POST", "/checks", 200, json={"address": "nobody.localhost:8080"})
    assert verdict["outcome"] == "UNVERIFIABLE"
    assert verdict["findings"][0]["check"] == "signature"


def test_the_document_is_open_and_says_what_the_router_does(call):
    document = call.client.get(f"{API}/openapi.json").json
    assert document["openapi"] == "3.1.0"
    rules = {
        (rule.rule.removeprefix(API).replace("<", "{").replace(">", "}"), method)
        for rule in call.app.url_map.iter_rules()
        if rule.endpoint.startswith("api.") and rule.endpoint.split(".")[1] != "elsewhere"
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    described = {(p, m.upper()) for p, methods in document["paths"].items() for m in methods}
    assert described == rules - {("/openapi.json", "GET")}


def test_every_verb_and_status_is_in_the_documentation(call):
    text = (ROOT / "docs" / "api.md").read_text()
    document = call.client.get(f"{API}/openapi.json").json
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            assert f"`{method.upper()} {path}`" in text
            for status in described["responses"]:
                assert status[0] == "2" or status in text, status


def test_a_version_is_steered_and_a_rollout_stopped(call):
    community, _ = call.make()
    place = f"/communities/{community['id']}"
    assert (
        "is the newest version in stable"
        in call("POST", f"{place}/upgrade", 409, json={})["explain"]
    )
    assert call("POST", f"{place}/rollback", 409, json={})["code"] == "upgrade-refused"
    wishes = {
        "pinned_to": "1.0.0",
        "postpone_days": 3,
        "postpone_why": "A wedding",
        "zone": "America/Chicago",
    }
    changed = call("PATCH", place, 200, json=wishes)
    assert (changed["pinned_to"], changed["zone"]) == ("1.0.0", "America/Chicago")
    assert call("PATCH", place, 200, json={"channel": "early"})["channel"] == "early"
    assert call("PATCH", place, 200, json={"channel": "stable"})["channel"] == "stable"
    assert call("PATCH", place, 422, json={"channel": "beta"})["code"] == "unreadable"
    assert changed["postponed_why"] == "A wedding"
    same = call("PATCH", place, 200, json={"pinned_to": ""})
    assert (same["pinned_to"], same["zone"]) == ("", "America/Chicago"), "what is left out stays"
    assert call("PATCH", place, 422, json={"zone": "Mars/Olympus"})["code"] == "said-badly"
    assert call("PATCH", place, 200, json={"quota_mb": 500})["quota_mb"] == 500
    assert call("PATCH", place, 200, json={"zone": ""})["quota_mb"] == 500
    assert call("PATCH", place, 422, json={"quota_mb": 3})["code"] == "said-badly"
    assert call("PATCH", place, 422, json={"quota_mb": "500"})["code"] == "unreadable"
    assert call("PATCH", place, 200, json={"quota_mb": "default"})["quota_mb"] == 0
    assert call("GET", "/rollouts", 200)["items"] == []
    release = call.context.releases.publish(make_version("1.0.1")).target
    roll_out(call.context)
    (row,) = call("GET", "/rollouts", 200)["items"]
    assert (row["release"], row["state"], row["standings"]) == (release, "active", {"postponed": 1})
    assert row["channel"] == "stable"
    for action, state in (("pause", "paused"), ("resume", "active")):
        told = call("POST", f"/rollouts/{action}", 200, json={"release": release})
        assert told["state"] == state
    assert call("POST", "/rollouts/pause", 404, json={"release": "x"})["code"] == "not-found"
    asked = call("POST", f"{place}/upgrade", 202, json={"to": "1.0.1"})
    assert asked["operation"]["kind"] == "upgrade"
    assert call("POST", f"{place}/upgrade", 409, json={})["code"] == "conflict"
