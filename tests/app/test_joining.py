"""Joining: by invitation, by asking, or freely, as the founder promised."""

from __future__ import annotations

from app.database import connect

from tests.app.conftest import INVITATION, Place


def test_the_join_page_says_what_one_joins(place: Place):
    page = place.person().get(f"/join/{INVITATION}").text
    for words in ("The Smith Family 🌻", "Be kind.", "United States", "Ann", "no adverts"):
        assert words in page


def test_two_people_join_and_see_each_other(place: Place):
    ann, bob = place.founder(), place.member("Bob")
    ann.share("hello from Ann")
    assert "hello from Ann" in bob.get("/").text
    assert "Bob" in ann.get("/members").text


def test_joining_needs_the_rules_and_a_good_name_and_keeps_what_was_typed(place: Place):
    place.founder()
    eve = place.person()
    link = f"/join/{INVITATION}"
    refused = eve.join(link, "Eve Miller", agreed="no")
    assert refused.status_code == 422
    assert 'value="Eve Miller"' in refused.text
    taken = eve.join(link, "  ANN ")
    assert "already someone called ANN" in taken.text
    for bad in ("", "   ", "x" * 61, "a\u202eb", "a\x00b", "...", "\u200d"):
        assert eve.join(link, bad).status_code == 422
    assert eve.get("/members").status_code == 404
    assert eve.join(link, "José 李 🌻").status_code == 303


def test_an_owner_makes_an_invitation_for_one(place: Place):
    ann = place.founder()
    answer = ann.send("/owner/invitations", {"for": "one", "label": "cousin"}, page="/owner")
    page = ann.get(answer.headers["Location"]).text
    link = page.split('value="http://smith.localhost:8080')[1].split('"')[0]
    assert "<svg" in page
    first, second = place.person(), place.person()
    word = second.word(link)
    first.join(link, "First")
    form = {"form": word, "name": "Second", "password": "apple tree river", "agreed": "yes"}
    assert second.browser.post(link, data=form).status_code == 404
    assert second.get(link).status_code == 404
    assert "Second" not in ann.get("/members").text


def test_an_ended_invitation_is_nothing(place: Place):
    ann = place.founder()
    assert place.person().get(f"/join/{INVITATION}").status_code == 200
    ann.send("/owner/invitations/1/end", {}, page="/owner")
    assert place.person().get(f"/join/{INVITATION}").status_code == 404


def test_an_old_invitation_is_nothing(place: Place):
    connect(place.settings.database).execute("UPDATE invitation SET expires_at = 1")
    assert place.person().get(f"/join/{INVITATION}").status_code == 404


def test_invite_only_refuses_others_kindly_where_it_is_not_hidden(make_place):
    place = make_place(visibility="link", membership="invite")
    stranger = place.person()
    assert "by invitation" in stranger.get("/join").text
    word = stranger.word(f"/join/{INVITATION}")
    form = {"form": word, "name": "Eve", "password": "apple tree river", "agreed": "yes"}
    assert "by invitation" in stranger.browser.post("/join", data=form).text
    assert stranger.get("/members").status_code == 404


def test_open_lets_anybody_in(make_place):
    place = make_place(visibility="public", membership="open")
    place.founder()
    eve = place.member("Eve", link="/join")
    assert eve.get("/members").status_code == 200


def test_asking_waits_for_an_owner(make_place):
    place = make_place(visibility="link", membership="ask")
    ann = place.founder()
    ann.share("inside")
    eve = place.person()
    eve.join("/join", "Eve", note="I live next door")
    assert "on its way" in eve.get("/").text
    assert eve.get("/members").status_code == 404
    assert eve.get("/posts/1").status_code == 404
    assert "1 person would like to join" in ann.get("/").text
    assert "I live next door" in ann.get("/owner").text
    ann.send("/owner/requests/2/accept", {}, page="/owner")
    assert "inside" in eve.get("/").text
    assert "I live next door" not in ann.get("/owner").text


def test_a_refused_request_leaves_nothing(make_place):
    place = make_place(visibility="link", membership="ask")
    ann = place.founder()
    eve = place.person()
    eve.join("/join", "Evangeline", note="a note to forget")
    ann.send("/owner/requests/2/refuse", {}, page="/owner")
    assert eve.get("/members").status_code == 404
    assert b"Evangeline" not in place.bytes_at_rest()
    assert b"a note to forget" not in place.bytes_at_rest()


def test_somebody_who_waits_can_take_her_request_back(make_place):
    place = make_place(visibility="link", membership="ask")
    place.founder()
    eve = place.person()
    eve.join("/join", "Evangeline", note="never mind")
    assert "You are deleted" in eve.send("/me/delete", {"sure": "yes"}).text
    assert b"Evangeline" not in place.bytes_at_rest()


def test_an_invitation_to_a_community_that_asks_still_asks(make_place):
    place = make_place(visibility="hidden", membership="ask")
    ann = place.founder()
    eve = place.member("Eve")
    assert eve.get("/members").status_code == 404
    assert "Eve" in ann.get("/owner").text
