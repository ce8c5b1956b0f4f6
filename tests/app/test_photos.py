"""Photos: what is taken out of them, who may look, and what happens to one that cannot be read."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from tests.app.conftest import Place
from tests.app.people import photo

SECRETS = (b"SECRET", b"GPS", b"Exif", b"2026:11:23")


def test_the_place_goes_in_and_does_not_come_out(place: Place):
    original = photo()
    with Image.open(io.BytesIO(original)) as image:
        assert image.getexif().get_ifd(0x8825), "the test photo has no place in it"
    ann = place.founder()
    ann.share("at the lake", (original, "lake.jpg"))
    for size in ("large", "small"):
        kept = ann.get(ann.media()[0].replace("large", size)).data
        assert not any(secret in kept for secret in SECRETS)
        with Image.open(io.BytesIO(kept)) as image:
            assert not image.getexif()
            assert set(image.info) <= {
                "jfif",
                "jfif_version",
                "jfif_unit",
                "jfif_density",
                "progressive",
                "progression",
            }
    assert not any(secret in place.bytes_at_rest() for secret in SECRETS[:1])


def test_a_turned_photo_is_set_upright_and_made_small(place: Place):
    ann = place.founder()
    ann.share("", (photo(3000, 1500, orientation=6), "tall.jpg"))
    with Image.open(io.BytesIO(ann.get(ann.media()[0]).data)) as image:
        assert image.size == (1024, 2048)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "AVIF", "TIFF", "BMP", "MPO"])
def test_other_kinds_become_jpeg(place: Place, kind: str):
    ann = place.founder()
    ann.share(kind, (photo(kind=kind), f"a.{kind.lower()}"))
    answer = ann.get(ann.media()[0])
    assert answer.mimetype == "image/jpeg"
    assert answer.data.startswith(b"\xff\xd8\xff")
    assert not any(secret in answer.data for secret in SECRETS)


def test_several_photos_in_the_order_they_were_chosen(place: Place):
    ann = place.founder()
    ann.share("three", *((photo(100 * n, 100), f"{n}.jpg") for n in (1, 2, 3)), words="a pie")
    widths = []
    for address in ann.media():
        with Image.open(io.BytesIO(ann.get(address).data)) as image:
            widths.append(image.width)
    assert widths == [100, 200, 300]
    assert "a pie (photo 2)" in ann.get("/").text


@pytest.mark.parametrize(
    "broken", [b"", b"not a photo", photo()[:2000], b"GIF89a" + b"\0" * 40, b"\xff\xd8\xff\xe0"]
)
def test_a_photo_that_cannot_be_read_is_named_and_nothing_is_lost(place: Place, broken: bytes):
    ann = place.founder()
    answer = ann.share("my words", (photo(), "good.jpg"), (broken, "IMG 7.HEIC"))
    assert answer.status_code == 422
    assert "IMG 7.HEIC" in answer.text
    assert "my words" in answer.text
    waiting = answer.text.split('name="photo" value="')[1].split('"')[0]
    assert ann.get(f"/media/{waiting}/small.jpg").status_code == 200
    again = ann.share("my words", photo=[waiting])
    assert again.status_code == 303
    assert len(ann.media()) == 1


def test_a_waiting_photo_is_its_owners_alone(place: Place):
    ann, bob = place.founder(), place.member("Bob")
    answer = ann.share("x", (photo(), "good.jpg"), (b"bad", "bad.jpg"))
    waiting = answer.text.split('name="photo" value="')[1].split('"')[0]
    assert bob.get(f"/media/{waiting}/small.jpg").status_code == 404
    assert bob.share("stolen", photo=[waiting]).status_code == 303
    assert bob.media() == []


def test_photos_follow_their_posts_audience(place: Place):
    ann, bob = place.founder(), place.member("Bob")
    ann.share("mine", (photo(), "a.jpg"), audience="me")
    address = ann.media()[0]
    assert ann.get(address).status_code == 200
    assert bob.get(address).status_code == 404
    assert place.person().get(address).status_code == 404
    assert "private" in ann.get(address).headers["Cache-Control"]


def test_a_picture_that_would_fill_the_memory_is_refused(place: Place):
    bomb = io.BytesIO()
    Image.new("1", (30000, 30000)).save(bomb, "PNG")
    ann = place.founder()
    answer = ann.share("boom", (bomb.getvalue(), "bomb.png"))
    assert answer.status_code == 422
    assert "bomb.png" in answer.text


def test_too_many_photos(place: Place):
    ann = place.founder()
    answer = ann.share("many", *((b"x", f"{n}.jpg") for n in range(11)))
    assert "At most 10" in answer.text
    assert "many" in answer.text


def test_deleting_a_post_deletes_the_bytes(place: Place):
    ann = place.founder()
    ann.share("", (photo(), "a.jpg"))
    address = ann.media()[0]
    ann.send("/posts/1/delete", {}, page="/")
    assert ann.get(address).status_code == 404
    assert list(place.settings.media.iterdir()) == []
