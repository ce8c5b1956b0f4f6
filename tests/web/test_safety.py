"""What guards every page, each guard met by what it guards against."""

from __future__ import annotations

import logging
import re
import subprocess
import sys

import pytest
from werkzeug.test import EnvironBuilder

from provisioner.engine.keys import get_keys
from provisioner.engine.operations import run_operation
from provisioner.settings import Settings
from tests.web.visitor import Visitor, read_form, wish
from web.app import create_app
from web.edge import TrustOnlyTheEdge
from web.wizard.steps import CREATE_RATES

HEAVY = ("docker", "boto3", "ansible_runner", "rich", "typer", "redis", "rq", "alembic", "tuf")


def test_every_page_carries_the_strict_headers(visitor):
    for path in ("/", "/start", "/nowhere", "/healthz", "/static/taarafo.css"):
        headers = visitor.go(path).page.headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"


def test_no_page_has_anything_that_the_policy_forbids(visitor, context):
    pages = [visitor.go("/").page.text, visitor.go("/start").page.text]
    run_operation(context, wish(visitor, context).id)
    pages.append(visitor.go(visitor.path).page.text)
    for page in pages:
        assert not re.search(r"\son[a-z]+=|\sstyle=|<style|javascript:", page)
        assert not re.search(r"<script(?![^>]*\ssrc=)", page)
        assert not re.search(r'(?:src|href)="(?:https?:)?//(?![a-z.-]*localhost)', page)


def test_a_form_without_its_token_changes_nothing(visitor, context):
    visitor.go("/start").submit(name="Oak").submit(preset="club").submit()
    sent = read_form(visitor.find("form")) | {"founder": "Ann", "csrf_token": ""}
    assert visitor.client.post(visitor.path, data=sent).status_code == 400
    assert context.store.list_communities().total == 0


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_on_another_site_changes_nothing(visitor, context, site):
    visitor.go("/start").submit(name="Oak").submit(preset="club").submit()
    sent = read_form(visitor.find("form")) | {"founder": "Ann"}
    answer = visitor.client.post(visitor.path, data=sent, headers={"Sec-Fetch-Site": site})
    assert answer.status_code == 403
    assert context.store.list_communities().total == 0


def test_only_our_own_name_is_answered(visitor):
    for host in ("evil.example", "localhost.evil.example", "smith.localhost", "127.0.0.1:8080"):
        assert visitor.client.get("/", headers={"Host": host}).status_code == 421
    for host in ("localhost", "localhost:8080", "LOCALHOST"):
        assert visitor.client.get("/", headers={"Host": host}).status_code == 200
    assert visitor.client.get("/healthz", headers={"Host": "anything"}).status_code == 200


def test_cookies_are_out_of_reach_for_scripts_and_other_sites(visitor, context):
    wish(visitor, context)
    seen = visitor.page.history[-1].headers.getlist("Set-Cookie")
    assert {cookie.partition("=")[0] for cookie in seen} >= {"held", "draft", "taarafo"}
    for cookie in seen:
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Secure" not in cookie  # local mode has no TLS


def test_with_a_domain_cookies_are_secure_and_the_session_is_bound_to_the_host(context):
    context.settings = context.settings.model_copy(update={"domain": "example.org"})
    client = create_app(context).test_client()
    answer = client.get("/start", base_url="https://example.org", follow_redirects=True)
    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-taarafo=")
    assert "Secure" in cookie
    assert "Domain" not in cookie
    assert "Strict-Transport-Security" in answer.headers


def test_making_many_is_stopped_kindly_and_keeps_what_was_typed(app, context, monkeypatch):
    monkeypatch.setitem(CREATE_RATES, "local", "2 per hour")
    visitor = Visitor(app)
    for name in ("Oak", "Elm"):
        wish(visitor, context, name=f"{name} Street")
    visitor.go("/start").submit(name="Ash Street").submit(preset="club").submit()
    visitor.submit(founder="Ann")
    assert visitor.page.status_code == 429
    assert visitor.value("founder") == "Ann"
    assert "cup of tea" in visitor.words
    assert context.store.list_communities().total == 2


def test_a_huge_request_is_refused(visitor):
    visitor.go("/start").submit(name="x" * 70_000)
    assert visitor.page.status_code == 413
    assert "more text than we can take" in visitor.words


def test_an_unexpected_error_shows_a_number_that_the_log_explains(app, visitor, caplog):
    @app.get("/broken/<token>")
    def broken(token: str) -> str:
        raise RuntimeError("what nobody expected")

    app.testing = False
    with caplog.at_level(logging.ERROR):
        visitor.go("/broken/" + "s3cret" * 7)
    assert visitor.page.status_code == 500
    number = visitor.find("strong.mono").to_text()
    assert f"reference {number}" in caplog.text
    assert "what nobody expected" in caplog.text
    assert "s3cret" not in caplog.text
    assert "nobody expected" not in visitor.words


def test_the_operators_troubles_are_not_told_to_founders(visitor, context, caplog):
    context.room.free = 17
    visitor.go("/start").submit(name="Oak").submit(preset="club").submit().submit(founder="Ann")
    assert "MB" not in visitor.words
    assert "reference" in caplog.text


def test_keys_never_reach_a_log(visitor, context, caplog):
    with caplog.at_level(logging.DEBUG):
        operation = wish(visitor, context)
        run_operation(context, operation.id)
        community = context.store.get_community(operation.community_id)
        keys = get_keys(context, community)
        visitor.go(f"/my/{keys.console_token}")
    secret = [keys.console_token, *(url.rpartition("/")[2] for url in (keys.signin_url,))]
    lines = [line.text for line in context.store.list_log(operation.id)]
    for each in secret:
        assert each not in caplog.text
        assert each not in "\n".join(lines)


@pytest.mark.parametrize(("peer", "seen"), [("", "203.0.113.9"), ("198.51.100.1", "198.51.100.1")])
def test_only_the_edges_socket_may_say_who_asks(peer, seen):
    told = []

    def application(environ, start_response):
        told.append((environ.get("REMOTE_ADDR"), environ["HTTP_HOST"]))
        return []

    environ = EnvironBuilder(
        headers={"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "evil.example"}
    ).get_environ()
    environ["REMOTE_ADDR"] = peer
    list(TrustOnlyTheEdge(application)(environ, lambda *_: None))
    assert told == [(seen, "localhost")]


def test_an_idle_web_carries_no_heavy_library(tmp_path):
    settings = Settings(state=tmp_path)
    settings.keys_dir.mkdir()
    (settings.keys_dir / "session.key").write_text("k" * 64)
    program = "import sys, web.serve; web.serve.open_app(); "
    program += f"print([m for m in {HEAVY!r} if m in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", program],
        env={"TAARAFO_STATE": str(tmp_path), "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "[]"
