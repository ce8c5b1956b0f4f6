"""Every page in real Chromium: axe finds nothing, nothing is wider than the screen."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser
from werkzeug.serving import make_server

from tests.app.conftest import INVITATION, WELCOME, Place, order_owner
from tests.app.people import Person, photo
from tests.browser.chromium import find_faults, open_screen

pytestmark = pytest.mark.browser
INSIDE = ("/", "/posts/1", "/members", "/members/2", "/me", "/me/delete", "/owner", "/rules")
INSIDE += ("/what-runs-here", "/owner/invitations/2", "/nothing")


@pytest.fixture
def ann(make_place: Callable[..., Place]) -> Iterator[tuple[Person, str]]:
    """An owner with posts, photos, members and a request, and where her community answers."""
    place = make_place(visibility="link", membership="ask")
    ann = place.founder()
    ann.share("The lake was so still.", (photo(), "a.jpg"), (photo(), "b.jpg"), words="A lake")
    ann.comment("/posts/1", "Me too!")
    place.member("Bob").get("/")
    ann.send("/owner/requests/2/accept", {}, page="/owner")
    place.member("Zoe", link="/join")
    ann.send("/owner/invitations", {"label": "cousins"}, page="/owner")
    order_owner(place.settings, welcome=WELCOME)
    server = make_server("127.0.0.1", 0, place.app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield ann, f"http://127.0.0.1:{server.port}"
    server.shutdown()


@pytest.mark.parametrize(
    ("screen", "scheme"), [("phone", "light"), ("phone", "dark"), ("desktop", "light")]
)
def test_every_page_is_for_everybody(chromium: Browser, ann, screen: str, scheme: str):
    person, url = ann
    context = open_screen(chromium, screen, scheme)
    pages = ["/", "/join", "/sign-in", f"/join/{INVITATION}", f"/welcome/{WELCOME}"]
    found = [fault for path in pages for fault in faults(context, url + path)]
    session = person.browser.get_cookie("session")
    assert session
    context.add_cookies([{"name": "session", "value": session.value, "url": url}])
    found += [fault for path in INSIDE for fault in faults(context, url + path)]
    context.close()
    assert found == []


def faults(context, address: str) -> list[str]:
    """Of a page with everything unfolded."""
    page = context.new_page()
    page.goto(address)
    for summary in page.query_selector_all("summary"):
        summary.click()
    found = find_faults(page)
    page.close()
    return found


def test_the_whole_way_without_a_script(
    chromium: Browser, make_place: Callable[..., Place], tmp_path
):
    """Welcome, password, a photo: with JavaScript off, as a person clicks it."""
    place = make_place()
    server = make_server("127.0.0.1", 0, place.app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{server.port}/welcome/{WELCOME}")
    page.get_by_role("button", name="Come in").click()
    page.get_by_label("A new password").fill("apple tree river")
    page.get_by_role("button", name="Keep this password").click()
    (tmp_path / "lake.jpg").write_bytes(photo())
    page.get_by_label("What would you like to share?").fill("Hello, all of you")
    page.get_by_label("Add photos").set_input_files(tmp_path / "lake.jpg")
    page.get_by_role("button", name="Share").click()
    assert page.get_by_text("Hello, all of you").is_visible()
    image = page.locator("article img").first
    assert image.is_visible()
    assert page.request.get(image.evaluate("e => e.src")).status == 200
    context.close()
    server.shutdown()
