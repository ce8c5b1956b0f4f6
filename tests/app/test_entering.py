"""Coming in: the one-time link, the password, and how often either may be tried."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app import sessions, tokens
from app.database import connect

from tests.app.conftest import INVITATION, WELCOME, Place, order_owner

PASSWORD = "apple tree river"


def test_looking_at_the_welcome_link_does_not_use_it_up(place: Place):
    for _ in range(3):  # messengers fetch links to show a preview
        assert place.person().get(f"/welcome/{WELCOME}").status_code == 200
    ann = place.person()
    answer = ann.send(f"/welcome/{WELCOME}", {})
    assert answer.headers["Location"] == "/me/first-password"
    assert ann.get("/").headers["Location"] == "/me/first-password"
    ann.send("/me/first-password", {"password": PASSWORD})
    assert "What would you like to share?" in ann.get("/").text


def test_the_welcome_link_works_once(place: Place):
    early, late = place.person(), place.person()
    word = late.word(f"/welcome/{WELCOME}")
    early.send(f"/welcome/{WELCOME}", {})
    assert late.browser.post(f"/welcome/{WELCOME}", data={"form": word}).status_code == 404
    assert late.get(f"/welcome/{WELCOME}").status_code == 404
    assert late.get("/").status_code == 404


def test_a_used_welcome_link_brings_its_own_person_home(place: Place):
    ann = place.founder()
    assert ann.get(f"/welcome/{WELCOME}").headers["Location"] == "/"


def test_two_at_once_get_one_sign_in(place: Place):
    db = connect(place.settings.database)
    assert sessions.take_offer(db, WELCOME, 0) is not None
    assert sessions.take_offer(db, WELCOME, 0) is None


def test_an_expired_welcome_link_is_nothing(place: Place):
    past = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    order_owner(place.settings, signin_expires=past)
    assert place.person().get(f"/welcome/{WELCOME}").status_code == 404


def test_ordering_the_owner_again_renews_the_link_and_makes_no_second_owner(place: Place):
    order_owner(place.settings, welcome="N" * 43)
    assert place.person().get(f"/welcome/{WELCOME}").status_code == 404
    assert place.person().get(f"/welcome/{'N' * 43}").status_code == 200
    db = connect(place.settings.database)
    assert db.execute("SELECT count(*) FROM member").fetchone()[0] == 1


def test_a_known_browser_can_sign_in_again(place: Place):
    ann = place.founder()
    ann.send("/sign-out", {"mine": "yes"}, page="/me")
    assert ann.get("/").headers["Location"] == "/sign-in"
    answer = ann.send("/sign-in", {"name": " ANN ", "password": PASSWORD})
    assert answer.headers["Location"] == "/"
    assert ann.get("/members").status_code == 200


def test_a_browser_that_was_told_to_forget_sees_nothing(place: Place):
    ann = place.founder()
    ann.send("/sign-out", {}, page="/me")
    assert ann.get("/").status_code == 404
    assert ann.get("/sign-in").status_code == 404


def test_her_own_address_opens_the_sign_in_page_elsewhere(place: Place):
    ann = place.founder()
    link = ann.get("/me").text.split('value="http://smith.localhost:8080')[1].split('"')[0]
    phone = place.person()
    assert phone.get(link).status_code == 200
    assert phone.get(link[:-1] + ("A" if link[-1] != "A" else "B")).status_code == 404
    phone.send(link, {"name": "Ann", "password": PASSWORD})
    assert phone.get("/members").status_code == 200


def test_an_invitation_also_leads_a_member_to_the_sign_in_page(place: Place):
    place.founder()
    phone = place.person()
    phone.send(f"/sign-in/{INVITATION}", {"name": "Ann", "password": PASSWORD})
    assert phone.get("/members").status_code == 200


def test_wrong_name_and_wrong_password_say_the_same(place: Place):
    place.founder()
    phone = place.person()
    pages = []
    for name, password in (("Ann", "wrong wrong"), ("Nobody", PASSWORD), ("", "")):
        answer = phone.send(f"/sign-in/{INVITATION}", {"name": name, "password": password})
        assert answer.status_code == 422
        pages.append(answer.text.replace(f'value="{name}"', 'value=""'))
    assert len(set(pages)) == 1


def test_guessing_is_slowed_down(place: Place):
    place.founder()
    phone = place.person()
    page = f"/sign-in/{INVITATION}"
    tries = [phone.send(page, {"name": "Ann", "password": f"guess {n}"}) for n in range(9)]
    assert [answer.status_code for answer in tries] == [422] * 8 + [429]
    assert "Please wait" in tries[-1].text
    late = phone.send(page, {"name": "Ann", "password": PASSWORD})
    assert late.status_code == 429


def test_only_digests_are_kept(place: Place):
    ann = place.founder()
    session = ann.browser.get_cookie("session")
    assert session is not None
    kept = place.bytes_at_rest()
    assert session.value.encode() not in kept
    assert WELCOME.encode() not in kept
    assert PASSWORD.encode() not in kept
    assert tokens.digest(session.value).encode() in kept


def test_a_new_password_signs_the_others_out(place: Place):
    ann = place.founder()
    phone = place.person()
    phone.send(f"/sign-in/{INVITATION}", {"name": "Ann", "password": PASSWORD})
    bad = ann.send(
        "/me/password", {"old": "not it at all", "password": "new words here"}, page="/me"
    )
    assert bad.status_code == 422
    good = ann.send("/me/password", {"old": PASSWORD, "password": "new words here"}, page="/me")
    assert "Your new password works" in good.text
    assert ann.get("/members").status_code == 200
    assert phone.get("/members").status_code == 404


def test_a_weak_password_gets_a_sentence(place: Place):
    ann = place.person()
    ann.send(f"/welcome/{WELCOME}", {})
    for weak in ("short", "aaaaaaaaaaaa"):
        assert ann.send("/me/first-password", {"password": weak}).status_code == 422


def test_cookies_are_for_the_server_alone(place: Place):
    answer = place.person().send(f"/welcome/{WELCOME}", {})
    cookies = answer.headers.getlist("Set-Cookie")
    assert len(cookies) == 2
    assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in cookies)


def test_an_owner_helps_somebody_who_forgot_her_password(place: Place):
    ann, bob = place.founder(), place.member("Bob")
    page = ann.send("/members/2/sign-in-link", {}, page="/members/2").text
    link = page.split('value="http://smith.localhost:8080')[1].split('"')[0]
    phone = place.person()
    assert phone.send(link, {}).headers["Location"] == "/"
    assert "Hello Bob" in phone.get("/me").text
    assert bob.get("/").status_code == 200
