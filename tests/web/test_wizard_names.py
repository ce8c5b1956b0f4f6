"""Names and addresses: what is refused, how kindly, and what is offered instead."""

from __future__ import annotations

import pytest

from tests.web.visitor import Visitor, wish
from web.wizard.address import plan_address

BAD_ADDRESSES = [
    "ab",
    "a" * 300,
    "../../etc",
    "admin",
    "adm1n",
    "xn--smith-4ve",
    "ѕmith",  # a Cyrillic first letter
    "smith family",
    "-smith",
    "smith_family",
    "سميث",
    "🏡🏡🏡",
    "<script>alert(1)</script>",
]


@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_a_bad_address_is_refused_kindly_and_one_tap_takes_another(visitor, address):
    visitor.go("/start").submit(name="Grandma’s Place", label=address)
    assert visitor.page.status_code == 422
    assert visitor.value("label") == address
    assert visitor.value("name") == "Grandma’s Place"
    assert visitor.find("#label-said .trouble").to_text().strip().endswith(".")
    offered = str(visitor.find('button[name="take"]').attrs["value"])
    visitor.submit(take=offered)
    assert visitor.path.endswith("/who")
    assert f"{offered}.localhost:8080" in visitor.words


@pytest.mark.parametrize("name", ["", "   ", "…!?", "🏡", "x" * 300, "Smith \u202efamily"])
def test_a_name_that_cannot_be_is_asked_for_again(visitor, name):
    visitor.go("/start").submit(name=name)
    assert visitor.page.status_code == 422
    assert visitor.value("name") == name
    assert visitor.find("#name-trouble").attrs["role"] == "alert"
    assert "name-trouble" in str(visitor.find("#name").attrs["aria-describedby"])


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("The Smith Family", "smith-family"),
        ("Família Souza", "familia-souza"),
        ("🏡 Oak Street", "oak-street"),
        ("Admin", "our-admin"),
        ("../../etc/passwd", "etc-passwd"),
        ("عائلة سميث", ""),  # how a script is spelled is the library's affair
    ],
)
def test_every_spoken_name_gets_a_good_address(visitor, name, label):
    visitor.go("/start").submit(name=name)
    assert visitor.path.endswith("/who"), visitor.words
    offered = visitor.find("p.hint strong").to_text()
    assert offered == f"{label}.localhost:8080" if label else offered.isascii()


def test_an_address_that_is_taken_or_looks_like_it_is_refused(visitor, app, context):
    wish(visitor, context)
    for address in ("smith-family", "sm1th-family", "smithfamily"):
        other = Visitor(app)
        other.go("/start").submit(name="Other", label=address)
        assert other.page.status_code == 422
        assert "Somebody already has" in other.words
        other.submit(take=str(other.find('button[name="take"]').attrs["value"]))
        assert other.path.endswith("/who")


def test_the_same_spoken_name_gets_the_next_free_address(visitor, app, context):
    wish(visitor, context)
    second = wish(Visitor(app), context)
    label = context.store.get_community(second.community_id).label
    assert label == "smith-family-home"


def test_who_comes_second_in_the_same_second_is_told_and_goes_on_with_one_tap(
    visitor, app, context
):
    other = Visitor(app)
    for each in (visitor, other):
        each.go("/start").submit(name="The Smith Family").submit(preset="family").submit()
    visitor.submit(founder="Ann")
    other.submit(founder="Bob", email="bob@example.org")
    assert other.page.status_code == 422
    assert other.value("founder") == "Bob"
    assert other.value("email") == "bob@example.org"
    offered = str(other.find('button[name="take"]').attrs["value"])
    other.submit(take=offered)
    assert other.path.startswith("/making/")
    labels = {c.label for c in context.store.list_communities().rows}
    assert labels == {"smith-family", offered}


def test_without_javascript_she_may_see_the_address_first(visitor):
    visitor.go("/start").submit(name="Oak Street Book Club", look="yes")
    assert visitor.path.endswith("/name")
    assert visitor.value("label") == "oak-street-book-club"


def test_while_she_types_the_address_follows_until_she_writes_her_own():
    def is_taken(label: str) -> bool:
        return label == "smith-family"

    assert plan_address("", "", "", is_taken).label == ""
    assert plan_address("Oak Street", "", "", is_taken).label == "oak-street"
    assert plan_address("Oak Lane", "oak-street", "oak-street", is_taken).label == "oak-lane"
    assert plan_address("The Smith Family", "", "", is_taken).label == "smith-family-home"
    hers = plan_address("Oak Lane", "oaks", "oak-street", is_taken)
    assert (hers.label, hers.problem) == ("oaks", None)
    taken = plan_address("Oak Lane", "smith-family", "oak-street", is_taken)
    assert taken.label == "smith-family"
    assert taken.problem
    assert taken.problem.suggestion == "smith-family-home"


def test_the_live_answer_is_only_a_part_of_the_page(visitor):
    visitor.go("/start").submit(to="/start/address", name="Oak Street", label="")
    assert 'value="oak-street"' in visitor.page.text
    assert "<html" not in visitor.page.text


@pytest.mark.parametrize("typed", ["not-an-address", "a@b", "a b@c.de", "a@@b.de"])
def test_a_slip_in_the_email_loses_nothing(visitor, typed):
    visitor.go("/start").submit(name="Oak").submit(preset="club").submit()
    visitor.submit(founder="Ann", email=typed)
    assert visitor.page.status_code == 422
    assert (visitor.value("founder"), visitor.value("email")) == ("Ann", typed)
    assert "leave it empty" in visitor.words


def test_promises_that_nobody_offered_are_refused_and_rules_have_an_end(visitor):
    visitor.go("/start").submit(name="Oak").submit(preset="nonsense")
    assert visitor.page.status_code == 422
    visitor.submit(preset="club").submit(visibility="everything")
    assert visitor.page.status_code == 422
    visitor.submit(visibility="hidden", country="XX")
    assert visitor.page.status_code == 422
    long = "Be very kind to one another. " * 300
    visitor.submit(country="", rules=long)
    assert visitor.page.status_code == 422
    assert visitor.value("rules").strip() == long.strip()
    assert "shorter" in visitor.words
