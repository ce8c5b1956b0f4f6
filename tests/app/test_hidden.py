"""A hidden community is nothing at all to whoever holds no link of its own."""

from __future__ import annotations

import pytest

from tests.app.conftest import INVITATION, WELCOME, Place

OPEN = {"/healthz", "/static/<path:filename>"}
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")


def every_address(place: Place) -> list[str]:
    place.founder().share("hello")
    fillers = {"<int:post_id>": "1", "<int:member_id>": "1", "<int:comment_id>": "1"}
    fillers |= {"<int:invitation_id>": "1", "<photo_id>": "x", "<size>": "small"}
    fillers |= {"<token>": "X" * 43, "<change>": "suspend"}
    addresses = []
    for rule in place.app.url_map.iter_rules():
        address = rule.rule
        for name, value in fillers.items():
            address = address.replace(name, value)
        if rule.rule not in OPEN:
            assert "<" not in address
            addresses.append(address)
    extra = ["/nothing", "/favicon.ico", "/posts/1/", "/static/none.css", "/.well-known/webfinger"]
    return [*addresses, *extra, "/nodeinfo/2.0", "/sign-in/1.AAAA", "/sign-in/999.A", "/%ff%00"]


def test_every_address_is_the_same_nothing(place: Place):
    addresses = every_address(place)
    seen = set()
    for address in addresses:
        for method in METHODS:
            answer = place.person().browser.open(address, method=method)
            assert answer.status_code == 404, f"{method} {address}"
            headers = {k: v for k, v in answer.headers if k not in ("Content-Length", "Date")}
            seen.add((answer.text if method != "HEAD" else "", str(sorted(headers.items()))))
    assert len({text for text, _ in seen} - {""}) == 1
    assert len({headers for _, headers in seen}) == 1


def test_nothing_names_the_community_or_sets_a_cookie(place: Place):
    place.founder()
    answer = place.person().get("/")
    assert "Smith" not in answer.text
    assert "Set-Cookie" not in answer.headers
    assert "noindex" in answer.headers["X-Robots-Tag"]


def test_health_says_nothing_but_that_it_answers(place: Place):
    answer = place.person().get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")
    assert place.app.test_client().get("/healthz", base_url="http://whatever").status_code == 200


def test_links_with_their_own_proof_are_open(place: Place):
    assert place.person().get(f"/welcome/{WELCOME}").status_code == 200
    assert place.person().get(f"/join/{INVITATION}").status_code == 200
    assert place.person().get(f"/sign-in/{INVITATION}").status_code == 200


def test_a_forged_session_is_a_stranger(place: Place):
    stranger = place.person()
    stranger.browser.set_cookie("session", "forged")
    stranger.browser.set_cookie("door", "1.forged")
    assert stranger.get("/").status_code == 404
    assert stranger.get("/sign-in").status_code == 404


@pytest.mark.parametrize("visibility", ["link", "public"])
def test_a_community_that_is_not_hidden_shows_its_front_and_no_more(make_place, visibility: str):
    place = make_place(visibility=visibility)
    place.founder().share("only for us")
    stranger = place.person()
    front = stranger.get("/")
    assert front.status_code == 200
    assert "The Smith Family" in front.text
    assert "only for us" not in front.text
    for address in ("/rules", "/what-runs-here", "/sign-in", "/join"):
        assert stranger.get(address).status_code == 200
    for address in ("/posts/1", "/members", "/me", "/owner", "/me/download"):
        assert stranger.get(address).status_code == 404
    assert ("X-Robots-Tag" in front.headers) == (visibility == "link")
    robots = stranger.get("/robots.txt").text
    assert ("Disallow: /" in robots) == (visibility == "link")


def test_public_shows_what_is_for_everyone_and_its_photos(make_place):
    from tests.app.people import photo

    place = make_place(visibility="public")
    ann = place.founder()
    ann.share("for all", (photo(), "a.jpg"), audience="everyone")
    ann.share("for us", (photo(), "b.jpg"))
    ann.comment("/posts/1", "an inside word")
    stranger = place.person()
    assert "for all" in stranger.get("/").text
    assert "for us" not in stranger.get("/").text
    assert stranger.get("/posts/1").status_code == 200
    assert "an inside word" not in stranger.get("/posts/1").text
    assert stranger.get("/posts/2").status_code == 404
    public, inside = ann.media("/posts/1")[0], ann.media("/posts/2")[0]
    assert stranger.get(public).status_code == 200
    assert stranger.get(inside).status_code == 404


def test_everyone_is_no_audience_where_nobody_outside_may_look(place: Place):
    ann = place.founder()
    assert ann.share("hi", audience="everyone").status_code == 422
    assert "Everyone, also outside" not in ann.get("/").text
