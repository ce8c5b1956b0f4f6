"""Back, reload, twice, two tabs and lost cookies: nothing typed is lost, nothing made twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from provisioner.engine.operations import run_operation
from tests.web.visitor import Visitor, read_form, wish


def test_going_back_and_reloading_show_what_was_said(visitor):
    visitor.go("/start").submit(name="The Smith Family").submit(preset="friends")
    visitor.submit(rules="Wash up.", adverts="approved")
    you = visitor.path
    for step, seen in (("promises", "Wash up."), ("who", "You picked this"), ("name", "")):
        visitor.go(you.replace("/you", f"/{step}"))
        assert seen in visitor.page.text
    assert visitor.value("name") == "The Smith Family"
    assert visitor.value("label") == "smith-family"
    visitor.go(you)
    assert "The Smith Family" in visitor.words


def test_choosing_the_same_again_keeps_changes_and_another_brings_its_own(visitor):
    visitor.go("/start").submit(name="Oak").submit(preset="friends").submit(rules="Wash up.")
    who = visitor.path.replace("/you", "/who")
    visitor.go(who).submit(preset="friends")
    assert visitor.value("rules").strip() == "Wash up."
    visitor.go(who).submit(preset="club")
    assert "No selling" in visitor.value("rules")


def test_a_later_step_leads_back_to_the_first_open_question(visitor):
    start = visitor.go("/start").path
    visitor.go(start.replace("/name", "/you"))
    assert visitor.path == start
    visitor.submit(name="Oak")
    visitor.go(start.replace("/name", "/promises"))
    assert visitor.path.endswith("/who")


def test_pressing_the_last_button_many_times_at_once_makes_one(visitor, app, context):
    visitor.go("/start").submit(name="Oak").submit(preset="club").submit()
    sent = read_form(visitor.find("form")) | {"founder": "Ann"}
    path, cookies = visitor.path, visitor.client

    def press(_: int) -> str:
        client = app.test_client()
        client._cookies = dict(cookies._cookies)
        answer = client.post(path, data=sent)
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"]

    with ThreadPoolExecutor(6) as hands:
        places = set(hands.map(press, range(12)))
    assert len(places) == 1
    assert context.store.list_communities().total == 1
    assert len(context.store.list_operations()) == 1


@pytest.mark.parametrize("step", ["name", "who", "promises", "you"])
def test_going_back_after_it_was_made_makes_no_second_one(visitor, context, step):
    visitor.go("/start").submit(name="Oak").submit(preset="club").submit()
    you = visitor.path
    visitor.submit(founder="Ann")
    making = visitor.path
    visitor.go(you.replace("/you", f"/{step}"))
    assert "You have made this one already" in visitor.words
    assert visitor.find("a.big").attrs["href"] == making
    assert context.store.list_communities().total == 1


def test_an_old_tab_that_sends_its_form_again_lands_on_the_progress(visitor, context):
    visitor.go("/start").submit(name="Oak").submit(preset="club").submit()
    old_tab = (visitor.path, read_form(visitor.find("form")) | {"founder": "Ann"})
    visitor.submit(founder="Ann")
    making = visitor.path
    visitor.page = visitor.client.post(old_tab[0], data=old_tab[1], follow_redirects=True)
    assert visitor.path == making
    assert context.store.list_communities().total == 1


@pytest.mark.parametrize("step", ["name", "who", "promises", "you"])
def test_what_was_sent_is_found_again_after_the_browser_was_started_anew(visitor, context, step):
    """Whether she goes back to a page of hers, or her browser restores one and sends it again."""
    visitor.go("/start").submit(name="Oak").submit(preset="club").submit()
    you, sent = visitor.path, read_form(visitor.find("form")) | {"founder": "Ann"}
    visitor.submit(founder="Ann")
    making = visitor.path
    visitor.start_anew()
    visitor.go(you.replace("/you", f"/{step}"))
    assert visitor.find("a.big").attrs["href"] == making
    visitor.page = visitor.client.post(you, data=sent, follow_redirects=True)
    assert visitor.path == making, visitor.words
    assert context.store.list_communities().total == 1


def test_two_tabs_do_not_mix(visitor, app, context):
    first, second = visitor, Visitor(app)
    second.client = first.client
    first.go("/start").submit(name="Oak Street")
    second.go("/start").submit(name="Elm Street")
    first.submit(preset="club").submit(rules="Oaks only.")
    second.submit(preset="family").submit()
    first.submit(founder="Ann")
    second.submit(founder="Ann")
    made = {c.name: c for c in context.store.list_communities().rows}
    assert made["Oak Street"].promises["rules"] == "Oaks only."
    assert made["Elm Street"].preset == "family"
    assert "Oak Street" in first.go(first.path).words  # both may still watch theirs
    assert "Elm Street" in second.go(second.path).words


@pytest.mark.parametrize("step", ["name", "who", "promises", "you"])
def test_a_lost_cookie_loses_nothing_typed(visitor, context, step):
    answers = {
        "name": {"name": "The Smith Family", "label": "smiths"},
        "who": {"preset": "friends"},
        "promises": {"rules": "Wash up.", "country": "NZ"},
        "you": {"founder": "Ann", "email": "ann@example.org"},
    }
    visitor.go("/start")
    for each, said in answers.items():
        if each == step:
            visitor.forget()
            visitor.submit(also=said)
            assert visitor.page.status_code == 400
            assert "All you typed is still here" in visitor.words
            shown = {} if step == "who" else {k: visitor.value(k).strip() for k in said}
            assert shown == ({} if step == "who" else said)
        visitor.submit(also=said)
        assert visitor.page.status_code == 200, visitor.words
    (community,) = context.store.list_communities().rows
    assert (community.name, community.label) == ("The Smith Family", "smiths")
    assert community.promises["rules"] == "Wash up."
    assert (community.founder, community.email) == ("Ann", "ann@example.org")


def test_a_forged_draft_is_worth_nothing(visitor, context):
    visitor.go("/start").submit(name="Oak").submit(preset="club").submit()
    sealed = visitor.find('input[name="so_far"]').attrs["value"]
    forged = str(sealed)[:-4] + "AAAA"
    visitor.client.delete_cookie("draft", path=visitor.path.rpartition("/")[0])
    visitor.submit(so_far=forged, founder="Ann")
    assert visitor.path.endswith("/name")
    assert context.store.list_communities().total == 0


def test_knowing_a_drafts_address_gives_a_stranger_nothing(visitor, app, context):
    visitor.go("/start").submit(name="Oak").submit(preset="club")
    stranger = Visitor(app).go(visitor.path)
    assert stranger.path.endswith("/name")
    assert "Oak" not in stranger.value("name")


def test_what_was_removed_says_so_on_its_old_ready_page(visitor, context):
    operation = wish(visitor, context)
    run_operation(context, operation.id)
    community = context.store.get_community(operation.community_id)
    removal = context.store.request_remove(
        community.id, now=context.clock.now(), requested_by="test"
    )
    run_operation(context, removal.id)
    visitor.go(f"/making/{operation.id}/ready")
    assert "is gone" in visitor.words


def test_a_draft_that_a_neighbour_planted_gives_her_nothing(app, context):
    """A community below our domain may set a cookie for all of it; the session's is this host's."""
    neighbour, victim = Visitor(app), Visitor(app)
    neighbour.go("/start").submit(name="Mine")
    planted = neighbour.client.get_cookie("draft", path=neighbour.path.rpartition("/")[0])
    assert planted
    victim.go("/start")
    victim.client.set_cookie("draft", planted.value, path=victim.path.rpartition("/")[0])
    victim.go(victim.path).submit(name="The Smith Family")
    victim.submit(preset="family").submit().submit(founder="Ann")
    operation = context.store.get_operation(victim.path.split("/")[2])
    making = f"/making/{operation.id}"
    assert victim.go(making).page.status_code == 200
    for step in ("name", "who", "promises", "you"):
        neighbour.client.set_cookie("draft", planted.value, path="/start")
        neighbour.go(f"/start/x/{step}")
        assert operation.id not in neighbour.page.text
        assert neighbour.go(making).page.status_code == 403
