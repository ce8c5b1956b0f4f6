"""Forms: only our own page may send one, and every answer carries the headers that protect."""

from __future__ import annotations

import pytest

from tests.app.conftest import INVITATION, WELCOME, Place

LINKS = {"<token>": WELCOME, "<change>": "suspend"}


def forms_of(place: Place) -> list[str]:
    """The address of every form there is, filled in so that it leads to something."""
    found = []
    for rule in place.app.url_map.iter_rules():
        if "POST" in (rule.methods or ()):
            address = rule.rule.replace("<token>", WELCOME).replace("<change>", "suspend")
            for name in ("<int:post_id>", "<int:comment_id>", "<int:invitation_id>"):
                address = address.replace(name, "1")
            found.append(address.replace("<int:member_id>", "2"))
    return found


def test_no_form_is_taken_without_the_word_of_its_page(place: Place):
    ann = place.founder()
    place.member("Bob")
    ann.share("stays")
    ann.comment("/posts/1", "stays too")
    before = place.settings.database.read_bytes()
    for address in forms_of(place):
        if address.startswith(("/welcome", "/sign-in/")):
            continue  # links of somebody else's: the next test
        for word in ("", "forged", place.person().word(f"/join/{INVITATION}")):
            answer = ann.browser.post(address, data={"form": word, "sure": "yes"})
            assert answer.status_code == 422, address
            assert "we did not send it" in answer.text
    assert place.settings.database.read_bytes() == before
    assert "stays" in ann.get("/").text


@pytest.mark.parametrize("address", [f"/welcome/{'N' * 43}", f"/join/{INVITATION}"])
def test_no_stranger_form_is_taken_without_its_word(place: Place, address: str):
    from tests.app.conftest import order_owner

    order_owner(place.settings, welcome="N" * 43)
    stranger = place.person()
    answer = stranger.browser.post(address, data={"name": "Eve", "password": "a b c d e f g"})
    assert answer.status_code == 422
    assert stranger.get("/members").status_code == 404


def test_a_form_from_another_site_is_refused_even_with_the_word(place: Place):
    ann = place.founder()
    word = ann.word("/")
    answer = ann.browser.post(
        "/posts",
        data={"form": word, "text": "x", "audience": "me"},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status_code == 422


def test_the_word_of_one_session_is_no_good_in_another(place: Place):
    ann, bob = place.founder(), place.member("Bob")
    answer = bob.browser.post(
        "/posts", data={"form": ann.word("/"), "text": "x", "audience": "community"}
    )
    assert answer.status_code == 422


def test_every_page_is_protected(place: Place):
    ann = place.founder()
    for address in ("/", "/members", "/me", "/owner", "/rules", "/nothing", "/static/style.css"):
        headers = ann.get(address).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"


def test_pages_hold_no_script_no_style_attribute_and_nothing_from_elsewhere(place: Place):
    ann = place.founder()
    ann.share("<script>alert(1)</script> https://elsewhere.example")
    ann.send("/owner/invitations", {"label": "x"}, page="/owner")
    for address in ("/", "/members", "/me", "/owner", "/owner/invitations/2", "/posts/1"):
        page = ann.get(address).text
        assert "<script" not in page
        assert " style=" not in page
        assert 'src="http' not in page


def test_members_pages_are_not_kept_by_the_browser(place: Place):
    assert place.founder().get("/").headers["Cache-Control"] == "no-store"


def test_a_mistake_shows_a_number_and_nothing_else(place: Place, monkeypatch):
    ann = place.founder()
    monkeypatch.setattr("app.web.about.render_template", lambda *_a, **_f: 1 / 0)
    answer = ann.get("/rules")
    assert answer.status_code == 500
    assert "tell the owner this number" in answer.text
    assert "ZeroDivision" not in answer.text
