"""A founder's own page: opened by its link, kept by its browser, with a quiet way out."""

from __future__ import annotations

import secrets

import pytest

from provisioner.engine.keys import get_keys
from provisioner.engine.operations import run_operation
from provisioner.models.community import CommunityState
from provisioner.models.verdict import ALARMING, Outcome
from tests.web.visitor import Visitor, wish


@pytest.fixture
def community(visitor, context):
    operation = wish(visitor, context, rules="Wash up.", country="NZ")
    run_operation(context, operation.id)
    return context.store.get_community(operation.community_id)


@pytest.fixture
def founder(app, context, community) -> Visitor:
    """On another device, with nothing but her link."""
    return Visitor(app).go(f"/my/{get_keys(context, community).console_token}")


def test_the_link_opens_her_page_at_an_address_without_the_key(founder, context, community):
    token = get_keys(context, community).console_token
    assert founder.path == "/my/smith-family"
    for said in ("The Smith Family", "It is open", "Only people you invite", "Wash up.",
                 "New Zealand", "version 1.0.0"):  # fmt: skip
        assert said in founder.words
    assert founder.find('a[href^="/check/"]').attrs["href"] == "/check/smith-family.localhost:8080"
    assert founder.value("own-link").endswith(f"/my/{token}")
    assert "no-store" in founder.page.headers["Cache-Control"]
    assert founder.go("/my/smith-family").page.status_code == 200


def test_nobody_else_sees_it_and_the_answer_tells_nothing(app, community, context):
    stranger = Visitor(app)
    answers = [
        stranger.go(path).page
        for path in ("/my/smith-family", "/my/never-was", f"/my/{secrets.token_urlsafe(32)}")
    ]
    assert {a.status_code for a in answers} == {403}
    assert len({a.text for a in answers}) == 1
    digest = context.store.get_community(community.id).console_sha256
    assert stranger.go(f"/my/{digest[:43]}").page.status_code == 403


def test_the_cookie_of_one_page_opens_no_other(founder, app, context):
    other = wish(Visitor(app), context, name="Oak Street")
    run_operation(context, other.id)
    assert founder.go("/my/oak-street").page.status_code == 403
    held = founder.client.get_cookie("held", path="/my/smith-family")
    founder.client.set_cookie("held", held.value, path="/my/oak-street")
    assert founder.go("/my/oak-street").page.status_code == 403


def test_she_reads_that_it_moves_and_where_it_went(founder, context, community):
    now = context.clock.now()
    context.store.change_community(community.id, reading_since=now)
    assert "It is moving house" in founder.go("/my/smith-family").words
    home = "https://smith.example.org"
    context.store.change_community(community.id, state=CommunityState.MOVED, moved_to=home)
    founder.go("/my/smith-family")
    assert "It moved. This is its new home" in founder.words
    assert f'href="{home}"' in founder.page.text


def test_removal_wants_the_address_typed(founder, context, community):
    founder.go("/my/smith-family/remove").submit(typed="smith-famly")
    assert founder.page.status_code == 422
    assert "please type its address" in founder.words
    assert context.store.get_community(community.id).state == CommunityState.RUNNING


def test_removal_shows_its_progress_and_a_kind_end(founder, context, community):
    founder.go("/my/smith-family/remove").submit(typed=" Smith-Family ")
    assert founder.page.status_code == 409
    assert "No copy of The Smith Family" in founder.words
    assert context.store.get_community(community.id).state == CommunityState.RUNNING
    founder.submit(typed=" Smith-Family ", even_without_backup="yes")
    assert "taking down The Smith Family" in founder.words
    progress = founder.path
    assert founder.go("/my/smith-family").path == progress  # her page leads there meanwhile
    assert founder.go("/my/smith-family/remove").path == progress
    run_operation(context, progress.rpartition("/")[2])
    assert "The Smith Family is gone" in founder.go(progress).words
    assert founder.go("/my/smith-family").page.status_code == 403


def test_removal_sent_twice_is_one_removal(founder, context, community):
    founder.go("/my/smith-family/remove")
    form = founder.page
    founder.submit(typed="smith-family", even_without_backup="yes")
    first = founder.path
    founder.page = form
    founder.submit(typed="smith-family", even_without_backup="yes")
    assert founder.path == first
    assert len(context.store.list_operations(community.id)) == 2  # made once, removed once


def test_a_removal_that_did_not_work_out_can_be_asked_for_again(founder, context, community):
    context.engine.failing_jobs = {"-erase"}
    founder.go(f"/my/{community.label}/remove").submit(
        typed=community.label, even_without_backup="yes"
    )
    (removal,) = [o for o in context.store.list_operations(community.id) if o.kind == "remove"]
    run_operation(context, removal.id)
    assert context.store.get_operation(removal.id).state == "failed"
    context.engine.failing_jobs = set()
    founder.go(f"/my/{community.label}")
    assert founder.path == f"/my/{community.label}/remove"
    founder.submit(typed=community.label)
    assert founder.path.startswith("/making/")
    run_operation(context, founder.path.split("/")[2])
    assert context.store.get_community(community.id).state == "removed"


def test_the_sign_for_another_page_comes_ready_to_paste(founder, context, community):
    pasted = founder.value("sign")
    address = "http://localhost:8080/check/smith-family.localhost:8080"
    assert pasted == (
        f'<a href="{address}"><img src="{address}/badge.svg" '
        'alt="What runs at smith-family.localhost:8080" height="20"></a>'
    )
    assert "&lt;a href=" in founder.page.text, "it is shown, not used"
    shown = founder.find('img[src$="/badge.svg"]').attrs["src"]
    assert founder.client.get(shown).mimetype == "image/svg+xml"
    assert "Your place is hidden" in founder.words
    context.store.change_community(community.id, promises={"visibility": "public"})
    assert "Your place is hidden" not in founder.go("/my/smith-family").words


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_verdict_has_its_words_and_none_is_a_promise(founder, context, community, outcome):
    context.store.change_community(community.id, verdict=outcome)
    founder.go("/my/smith-family")
    assert "No check from here can prove" in founder.words
    for never in ("verified", "secure", "guarantee", "certified"):
        assert never not in founder.words.lower()
    bad = outcome in ALARMING
    assert bool(founder.document.query("p.trouble")) == bad


def test_the_one_time_key_is_offered_only_while_it_opens(founder, context, community, monkeypatch):
    assert "one-time key" in founder.words
    from provisioner.engine.create_steps import SIGNIN_LIFETIME

    late = context.clock.now() + SIGNIN_LIFETIME
    monkeypatch.setattr(context.clock, "now", lambda: late)
    assert "one-time key" not in founder.go("/my/smith-family").words
