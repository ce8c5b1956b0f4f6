"""Leaving whole: everything to take along, and nothing left behind."""

from __future__ import annotations

import io
import json
import zipfile

from app.backup import before_backup

from tests.app.conftest import Place
from tests.app.people import Person, photo


def opened(person: Person) -> zipfile.ZipFile:
    answer = person.get("/me/download")
    assert answer.mimetype == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    assert archive.testzip() is None
    return archive


def test_everything_is_in_the_download(place: Place):
    ann, bob = place.founder(), place.member("Bob")
    ann.share("soup for all")
    bob.share("my <day>", (photo(), "a.jpg"), words="a pie")
    bob.share("diary", audience="me")
    bob.comment("/posts/1", "yum")
    archive = opened(bob)
    page = archive.read("index.html").decode()
    for words in ("my &lt;day&gt;", "diary", "yum", "The Smith Family 🌻"):
        assert words in page
    assert "soup for all" not in page
    outbox = json.loads(archive.read("outbox.json"))
    assert outbox["@context"] == "https://www.w3.org/ns/activitystreams"
    assert outbox["totalItems"] == len(outbox["orderedItems"]) == 3
    notes = {item["object"]["content"]: item["object"] for item in outbox["orderedItems"]}
    assert notes["diary"]["to"] == []
    assert notes["yum"]["inReplyTo"].endswith("/posts/1")
    image = notes["my <day>"]["attachment"][0]
    assert image["name"] == "a pie"
    assert archive.read(image["url"]).startswith(b"\xff\xd8")
    assert f'src="{image["url"]}"' in page


def test_delete_me_leaves_no_byte(place: Place):
    ann, bob = place.founder(), place.member("Bartholomew")
    bob.share("a very private sentence", (photo(), "a.jpg"))
    bob.comment("/posts/1", "a second private sentence")
    ann.comment("/posts/1", "reply")
    photos = [file.read_bytes() for file in place.settings.media.iterdir()]
    assert len(photos) == 2
    before_backup(place.settings)
    assert b"Bartholomew" in place.bytes_at_rest()
    answer = bob.send("/me/delete", {"sure": "yes"})
    assert "You are deleted" in answer.text
    assert "1 photo" in answer.text
    rest = place.bytes_at_rest()
    for secret in (b"Bartholomew", b"bartholomew", b"private sentence", *photos):
        assert secret not in rest
    assert list(place.settings.media.iterdir()) == []
    assert "Bartholomew" not in ann.get("/members").text
    assert ann.get("/posts/1").status_code == 404


def test_after_delete_me_nothing_opens(place: Place):
    place.founder()
    bob, phone = place.member("Bob"), place.person()
    link = bob.get("/me").text.split('value="http://smith.localhost:8080')[1].split('"')[0]
    phone.send(link, {"name": "Bob", "password": "apple tree river"})
    bob.send("/me/delete", {"sure": "yes"})
    for browser in (bob, phone):
        assert browser.get("/").status_code == 404
        assert browser.get("/me").status_code == 404
    assert place.person().get(link).status_code == 404


def test_delete_me_asks_once_and_needs_nobody(place: Place):
    place.founder()
    bob = place.member("Bob")
    refused = bob.send("/me/delete", {})
    assert refused.status_code == 422
    assert "Nothing was deleted" in refused.text
    assert bob.get("/me").status_code == 200


def test_delete_me_works_while_suspended(place: Place):
    ann, bob = place.founder(), place.member("Bob")
    bob.share("a very private sentence")
    ann.send("/members/2/suspend", {}, page="/members/2")
    opened(bob)
    bob.send("/me/delete", {"sure": "yes"})
    assert b"private sentence" not in place.bytes_at_rest()


def test_the_only_owner_says_who_follows(place: Place):
    ann, bob = place.founder(), place.member("Bob")
    refused = ann.send("/me/delete", {"sure": "yes"})
    assert refused.status_code == 422
    assert "choose who looks after" in refused.text
    assert ann.send("/me/delete", {"sure": "yes", "heir": "99"}).status_code == 422
    assert ann.send("/me/delete", {"heir": "2"}).status_code == 422
    assert bob.get("/owner").status_code == 404, "nothing is handed over before she is sure"
    ann.send("/me/delete", {"sure": "yes", "heir": "2"})
    assert bob.get("/owner").status_code == 200


def test_the_last_person_is_told_clearly(place: Place):
    ann = place.founder()
    assert "You are the only one here" in ann.get("/me/delete").text
    assert "You are deleted" in ann.send("/me/delete", {"sure": "yes"}).text


def test_somebody_new_may_have_the_name_again(place: Place):
    place.founder()
    place.member("Bob").send("/me/delete", {"sure": "yes"})
    assert place.member("Bob").get("/members").status_code == 200
