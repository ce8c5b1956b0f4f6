"""From the first page to a running community, without JavaScript."""

from __future__ import annotations

from provisioner.engine.keys import get_keys
from provisioner.engine.operations import run_operation
from provisioner.models.community import CommunityState
from tests.web.visitor import Visitor, wish


def test_three_questions_make_a_community_with_what_was_said(visitor, context):
    visitor.go("/").go("/start")
    visitor.submit(name="The Smith Family")
    assert "smith-family.localhost:8080" in visitor.words
    visitor.submit(preset="family")
    visitor.submit(membership="ask", rules="Be kind.\r\nWash up.", country="NZ")
    visitor.submit(founder="  Ann ")
    assert visitor.path.startswith("/making/")
    assert "We are making The Smith Family" in visitor.words
    (community,) = context.store.list_communities().rows
    assert (community.name, community.label) == ("The Smith Family", "smith-family")
    assert (community.founder, community.email, community.preset) == ("Ann", "", "family")
    assert community.promises["membership"] == "ask"
    assert community.promises["visibility"] == "hidden"
    assert community.promises["rules"] == "Be kind.\nWash up."
    assert community.promises["country"] == "NZ"


def test_a_founder_must_type_two_fields_and_may_type_three(visitor):
    pages = [visitor.go("/start").document]
    for answers in ({"name": "Oak Street"}, {"preset": "club"}, {}):
        pages.append(visitor.submit(also=answers).document)
    required = [str(n.attrs["name"]) for page in pages for n in page.query("[required]")]
    assert required == ["name", "founder"]


def test_when_it_is_ready_the_founder_gets_her_links(visitor, context):
    operation = wish(visitor, context)
    run_operation(context, operation.id)
    visitor.go(f"/making/{operation.id}")
    assert visitor.path == f"/making/{operation.id}/ready"
    community = context.store.get_community(operation.community_id)
    keys = get_keys(context, community)
    assert str(visitor.find("a.button.big").attrs["href"]) == keys.signin_url
    assert visitor.value("invite") == keys.invite_url
    assert visitor.value("own-link") == f"http://localhost:8080/my/{keys.console_token}"
    assert len(visitor.document.query(".qr svg")) == 2
    assert "no-store" in visitor.page.headers["Cache-Control"]


def test_progress_is_told_in_words_and_survives_a_reload(visitor, context):
    operation = wish(visitor, context)
    steps = context.store.plan_steps(operation.id, ["check_room", "pin_release"])
    context.store.record_step(steps[0], "done", context.clock.now())
    context.store.record_step(steps[1], "started", context.clock.now())
    for _ in range(2):
        visitor.go(f"/making/{operation.id}")
        assert "Picking the newest safe version" in visitor.words
        assert "Making sure there is room for you" in visitor.words
    assert 'http-equiv="refresh"' in visitor.page.text


def test_a_stranger_sees_neither_progress_nor_links(visitor, context, app):
    operation = wish(visitor, context)
    run_operation(context, operation.id)
    stranger = Visitor(app)
    for page in ("", "/ready", "/events"):
        stranger.go(f"/making/{operation.id}{page}")
        assert stranger.page.status_code == 403
        assert "smith" not in stranger.page.text.lower()
    unknown = stranger.go("/making/" + "0" * 32).page
    assert unknown.status_code == 403  # the same answer, so that nobody learns what exists


def test_a_failure_is_told_and_keeps_what_was_typed(visitor, context):
    operation = wish(visitor, context, email="ann@example.org", membership="open")
    context.room.free = 0
    run_operation(context, operation.id)
    visitor.go(f"/making/{operation.id}")
    assert "It did not work this time" in visitor.words
    assert "no room" in visitor.words
    visitor.submit()
    assert visitor.path.endswith("/you")
    assert visitor.value("founder") == "Ann"
    assert visitor.value("email") == "ann@example.org"
    context.room.free = 100_000
    visitor.submit()
    again = context.store.list_operations()[0]
    assert again.id != operation.id
    run_operation(context, again.id)
    community = context.store.get_community(again.community_id)
    assert community.state == CommunityState.RUNNING
    assert community.label == "smith-family"
    assert community.promises["membership"] == "open"


def test_a_full_disk_is_refused_before_anything_starts(visitor, context):
    context.room.free = 0
    visitor.go("/start").submit(name="The Smith Family").submit(preset="family").submit()
    visitor.submit(founder="Ann")
    assert visitor.page.status_code == 507
    assert visitor.value("founder") == "Ann"
    assert "Nothing was lost" in visitor.words
    assert context.store.list_communities().total == 0


def test_the_country_is_guessed_from_the_browsers_language(visitor):
    visitor.go("/start").submit(name="The Smith Family")
    visitor.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "es-MX, en;q=0.5"
    visitor.submit(preset="family")
    assert visitor.find("#country option[selected]").attrs["value"] == "MX"
