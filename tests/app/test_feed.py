"""The feed: who sees what, in which order, and who may take it back."""

from __future__ import annotations

from app import posts

from tests.app.conftest import INVITATION, Place


def test_newest_first_and_earlier_pages(place: Place):
    ann = place.founder()
    for number in range(posts.PAGE + 3):
        ann.share(f"note {number:02}")
    first = ann.get("/").text
    assert first.index("note 22") < first.index("note 21")
    assert "note 02" not in first
    earlier = first.split('href="?before=')[1].split('"')[0]
    second = ann.get(f"/?before={earlier}").text
    assert "note 02" in second
    assert "note 03" not in second
    assert "Earlier posts" not in second


def test_only_me_is_only_me(place: Place):
    ann, bob = place.founder(), place.member("Bob")
    bob.share("dear diary", audience="me")
    assert "dear diary" in bob.get("/").text
    for page in ("/", "/members/2", "/posts/1"):
        assert "dear diary" not in ann.get(page).text
    assert ann.get("/posts/1").status_code == 404
    word = ann.word("/")
    for address in ("/posts/1/delete", "/posts/1/comments"):
        answer = ann.browser.post(address, data={"form": word, "text": "hi"})
        assert answer.status_code == 404, address


def test_comments_and_taking_them_back(place: Place):
    ann, bob = place.founder(), place.member("Bob")
    ann.share("soup tonight")
    bob.comment("/posts/1", "I bring bread")
    assert "I bring bread" in ann.get("/").text
    assert bob.comment("/posts/1", "  ").status_code == 422
    eve = place.member("Eve")
    assert eve.send("/comments/1/delete", {}, page="/posts/1").status_code == 404
    assert bob.send("/comments/1/delete", {}, page="/posts/1").status_code == 303
    assert "I bring bread" not in ann.get("/posts/1").text
    assert b"I bring bread" not in place.bytes_at_rest()


def test_only_the_author_or_an_owner_takes_a_post_back(place: Place):
    ann, bob, eve = place.founder(), place.member("Bob"), place.member("Eve")
    bob.share("first words of bob")
    bob.share("second words of bob")
    assert eve.send("/posts/1/delete", {}, page="/").status_code == 404
    assert bob.send("/posts/1/delete", {}, page="/").status_code == 303
    assert ann.send("/posts/2/delete", {}, page="/").status_code == 303
    assert b"words of bob" not in place.bytes_at_rest()


def test_a_problem_keeps_what_was_typed(place: Place):
    ann = place.founder()
    long = "x" * 5 + "y" * posts.LONGEST
    answer = ann.share(long)
    assert answer.status_code == 422
    assert long in answer.text
    assert "10005 letters" in answer.text
    empty = ann.share("")
    assert "write something or add a photo" in empty.text
    assert ann.share("hi", audience="the-whole-internet").status_code == 422


def test_words_are_shown_as_words(place: Place):
    ann = place.founder()
    ann.share("<b>bold</b> & \u202e 🌻")
    assert "&lt;b&gt;bold" in ann.get("/").text


def test_a_suspended_member_is_out_and_still_leaves_whole(place: Place):
    ann, bob = place.founder(), place.member("Bob")
    bob.share("bob was here")
    ann.send("/members/2/suspend", {}, page="/members/2")
    assert "on a break" in bob.get("/").text
    for page in ("/members", "/posts/1", "/members/1"):
        assert bob.get(page).status_code == 404
    assert bob.get("/me/download").status_code == 200
    assert bob.get("/me").status_code == 200
    assert "bob was here" in ann.get("/").text
    ann.send("/members/2/bring-back", {}, page="/members/2")
    assert bob.get("/members").status_code == 200


def test_a_removed_members_words_are_hidden_and_hers(place: Place):
    ann, bob = place.founder(), place.member("Bob")
    bob.share("bob was here")
    ann.share("another")
    bob.comment("/posts/2", "bob commented")
    ann.send("/members/2/remove", {}, page="/members/2")
    assert "bob was here" not in ann.get("/").text
    assert "bob commented" not in ann.get("/posts/2").text
    assert "Bob" not in place.member("Eve").get("/members").text
    assert bob.get("/me/download").status_code == 200
    assert "You are deleted" in bob.send("/me/delete", {"sure": "yes"}).text


def test_members_cannot_do_what_owners_do(place: Place):
    place.founder()
    bob = place.member("Bob")
    place.member("Eve")
    assert bob.get("/owner").status_code == 404
    word = bob.word("/")
    for address in (
        "/members/3/suspend",
        "/members/3/remove",
        "/members/3/sign-in-link",
        "/members/2/make-owner",
        "/owner/invitations",
    ):
        assert bob.browser.post(address, data={"form": word}).status_code == 404


def test_an_owner_cannot_be_put_on_a_break(place: Place):
    ann = place.founder()
    place.member("Bob")
    ann.send("/members/2/make-owner", {}, page="/members/2")
    ann.send("/members/2/suspend", {}, page="/")
    assert "looks after this community" in ann.get("/members/2").text


def test_there_is_no_way_to_an_advert(place: Place):
    assert not [r for r in place.app.url_map.iter_rules() if "advert" in r.rule or "ad/" in r.rule]
    assert INVITATION not in place.founder().get("/owner").text
