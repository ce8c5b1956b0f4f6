"""From the wizard's first page to the first photo: real Chromium, a real control plane."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from provisioner.engine.context import Context
from tests.app.people import photo
from tests.browser.chromium import open_screen
from tests.browser.evening import URL, Person

pytestmark = pytest.mark.browser
READ_PHOTO = "async e => Array.from(new Uint8Array(await (await fetch(e.src)).arrayBuffer()))"
LOOKS = [
    ("desktop", "light", "The Smith Family"),
    ("desktop", "dark", "The García Family"),
    ("phone", "light", "The Okafor Family"),
    ("phone", "dark", "Oma’s Kitchen Table"),
]


@pytest.fixture(scope="module")
def context(control_plane, state) -> Context:
    return Context(state)


@pytest.fixture
def lake(tmp_path) -> Path:
    """A photo that says where it was made."""
    path = tmp_path / "lake.jpg"
    path.write_bytes(photo())
    return path


@pytest.fixture
def ann(chromium: Browser, context) -> Iterator[Person]:
    with open_screen(chromium, "phone") as tab:
        yield Person(tab, "detours")


@pytest.mark.parametrize(("screen", "scheme", "name"), LOOKS)
def test_from_the_first_page_to_the_first_photo(chromium, context, lake, screen, scheme, name):
    ann = Person(open_screen(chromium, screen, scheme), f"{screen}-{scheme}")
    ann.answer(name)
    ann.press("Create my community")
    ann.see("We are making")
    ann.look("6-making")
    ann.wait_until_ready(name)
    invitation, own = ann.read_link("The link to join"), ann.read_link("The link to your own page")
    ann.move_in()
    ann.share("The lake was so still.", lake)
    ann.look("10-feed")
    assert_the_photo_tells_no_place(ann)
    bob = Person(open_screen(chromium, screen, scheme), ann.screen)
    bob.join(invitation, "Bob")
    expect(bob.page.get_by_text("The lake was so still.")).to_be_visible()
    ann.page.get_by_role("link", name="What runs here").click()
    ann.look("12-what-runs-here")
    ann.page.goto(own)
    ann.see(name)
    ann.look("13-own-page")
    ann.page.get_by_role("link", name="See what was checked").click()
    expect(ann.page.get_by_text("GENUINE", exact=True).first).to_be_visible()
    ann.look("14-check")
    assert ann.faults + bob.faults == []
    ann.browser.close()
    bob.browser.close()


def assert_the_photo_tells_no_place(person: Person) -> None:
    served = person.page.locator("article img").first.evaluate(READ_PHOTO)
    assert not Image.open(io.BytesIO(bytes(served))).getexif()


def test_a_stranger_finds_nothing_at_a_hidden_address(chromium, ann):
    ann.answer("The Quiet Family")
    ann.press("Create my community")
    ann.wait_until_ready("The Quiet Family")
    stranger = open_screen(chromium, "phone").new_page()
    answer = stranger.goto("http://quiet-family.localhost:8080/")
    assert answer
    assert answer.status == 404
    assert "Quiet" not in stranger.content()
    stranger.context.close()


def test_a_name_typed_before_the_scripts_are_there_gets_its_address(ann):
    """A slow line: the form can be used long before everything has arrived."""
    held = []
    ann.page.route("**/htmx.min.js*", lambda route: held.append(route))
    ann.page.goto(f"{URL}/start", wait_until="commit")
    ann.page.get_by_label("Its name").fill("Quick Fingers")
    held[0].continue_()
    expect(ann.page.locator("#label-said")).to_contain_text("quick-fingers.localhost")


def test_pressed_twice_reloaded_and_gone_back_it_is_made_once(ann, context):
    ann.answer("The Twice Family")
    ann.page.get_by_role("button", name="Create my community").dblclick()
    ann.see("The Twice Family")
    ann.page.reload()
    ann.wait_until_ready("The Twice Family")
    ann.page.reload()
    ann.see("The Twice Family is ready")
    ann.page.go_back()
    ann.see("You have made this one already")
    ann.page.get_by_role("link", name="Take me to it").click()
    ann.see("The Twice Family is ready")
    assert context.store.list_communities(search="Twice").total == 1


def test_two_tabs_with_two_names_make_two(ann, context):
    other = Person(ann.browser, ann.screen)
    ann.answer("Left Hand")
    other.answer("Right Hand")
    for person in (ann, other):
        person.press("Create my community")
    ann.wait_until_ready("Left Hand")
    other.wait_until_ready("Right Hand")
    assert context.store.list_communities(search="Hand").total == 2


def test_a_taken_name_gets_another_address_and_nothing_is_lost(ann):
    for _ in range(2):
        ann.answer("The Same Family")
        ann.press("Create my community")
        ann.wait_until_ready("The Same Family")
    assert "same-family.localhost" not in ann.read_link("The link to join")


def test_the_whole_way_without_a_script(chromium, context, lake):
    tab = chromium.new_context(java_script_enabled=False)
    ann = Person(tab, "without-script", has_scripts=False)
    ann.answer("The Plain Family")
    ann.press("Create my community")
    ann.wait_until_ready("The Plain Family")
    ann.move_in()
    ann.share("Hello, all of you", lake)
    expect(ann.page.locator("article img").first).to_be_visible()
    tab.close()


def test_the_operator_sees_it_and_takes_it_down(chromium, ann, context, control_plane):
    ann.answer("The Short Family", preset="Friends")
    ann.press("Create my community")
    ann.wait_until_ready("The Short Family")
    olga = Person(open_screen(chromium, "desktop"), "operator")
    olga.enter_dashboard(context, control_plane.operator_link)
    olga.look("2-communities")
    olga.page.get_by_label("Search").fill("Short")
    olga.press("Show")
    olga.page.get_by_role("link", name="The Short Family").click()
    olga.look("3-community")
    olga.page.get_by_label("to confirm").fill("short-family")
    olga.page.get_by_label("Remove it all the same").check()
    olga.press("Remove this community for good")
    expect(olga.page.get_by_text("free_name")).to_be_visible(timeout=30_000)
    olga.look("4-removal")
    assert olga.faults == []
    answer = ann.page.goto("http://short-family.localhost:8080/")
    assert answer
    assert answer.status == 404
    olga.browser.close()
