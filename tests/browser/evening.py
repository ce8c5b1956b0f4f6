"""A person at a screen: taps and types as anybody would, and every page she meets is looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import BrowserContext, Locator, Page, expect

from provisioner.engine.context import Context
from provisioner.engine.operators import is_link_open, make_operator_link
from tests.browser.chromium import SCREENS, find_faults

PICTURES = Path(__file__).parent / "screenshots"
URL = "http://localhost:8080"
PASSWORD = "apple tree river"


@dataclass
class Person:
    """`faults` is what axe and the width of the screen said of every page that was looked at."""

    browser: BrowserContext
    screen: str
    has_scripts: bool = True
    faults: list[str] = field(default_factory=list)
    page: Page = field(init=False)

    def __post_init__(self) -> None:
        self.page = self.browser.new_page()

    def look(self, name: str) -> None:
        """Keep a picture of the page, and note what is wrong with it."""
        folder = PICTURES / self.screen
        folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=folder / f"{name}.png", full_page=True, animations="disabled")
        self.faults += find_faults(self.page) if self.has_scripts else []

    def press(self, button: str) -> None:
        self.page.get_by_role("button", name=button).click()

    def look_everywhere(self, name: str) -> None:
        """The page as it is now, on every screen and in both schemes."""
        for screen, (width, height) in SCREENS.items():
            for scheme in ("light", "dark"):
                self.page.set_viewport_size({"width": width, "height": height})
                self.page.emulate_media(color_scheme=scheme)
                self.look(f"{name}-{screen}-{scheme}")

    def see(self, heading: str) -> Locator:
        found = self.page.get_by_role("heading", name=heading)
        expect(found).to_be_visible(timeout=30_000)
        return found

    def enter_dashboard(self, context: Context, link: str) -> None:
        """By the link that `up` printed; when it was used already, by a new one."""
        before, _, token = link.rpartition("/")
        if not is_link_open(context, token):
            token = make_operator_link(context)
        self.page.goto(f"{before}/{token}")
        self.look("1-welcome")
        self.page.get_by_label("New password").fill("a few plain words")
        self.press("Set the password and sign in")

    # -- the wizard ------------------------------------------------------------------------------

    def answer(self, name: str, founder: str = "Ann", preset: str = "Family") -> None:
        """All three questions, up to the last button."""
        page = self.page
        page.goto(URL)
        self.look("1-home")
        page.get_by_role("link", name="Make my community").click()
        page.get_by_label("Its name").fill(name)
        if self.has_scripts:  # one shows the address while she types
            expect(page.locator("#label-said")).to_contain_text("This one is free")
        self.look("2-name")
        page.get_by_label("Its name").press("Enter")
        self.see("Who is")
        self.look("3-who")
        self.press(preset)
        self.see("promises")
        self.look("4-promises")
        self.press("Yes, I promise this")
        page.get_by_label("Your name").fill(founder)
        self.look("5-you")

    def wait_until_ready(self, name: str) -> None:
        self.see(f"{name} is ready")
        self.look("7-ready")

    def read_link(self, label: str) -> str:
        return self.page.get_by_label(label).input_value()

    # -- inside ----------------------------------------------------------------------------------

    def move_in(self) -> None:
        """By the one-time link, then with a password of her own."""
        self.page.get_by_role("link", name="Open it").click()
        self.look("8-welcome")
        self.press("Come in")
        self.page.get_by_label("A new password").fill(PASSWORD)
        self.look("9-password")
        self.press("Keep this password")

    def share(self, words: str, photo: Path) -> None:
        self.page.get_by_label("What would you like to share?").fill(words)
        self.page.get_by_label("Add photos").set_input_files(photo)
        self.press("Share")
        expect(self.page.get_by_text(words)).to_be_visible()

    def join(self, link: str, name: str) -> None:
        self.page.goto(link)
        self.look("11-invitation")
        self.page.get_by_label("Your name").fill(name)
        self.page.get_by_label("A new password").fill(PASSWORD)
        self.page.get_by_label("I have read this and want to join").check()
        self.press("Join")
