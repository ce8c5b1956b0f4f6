"""Debian's Chromium, driven by Playwright, and what axe and the screen say of a page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

PROGRAM = "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCREENS = {"phone": (390, 844), "desktop": (1280, 800)}


@contextmanager
def start_chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=FLAGS)
        yield browser
        browser.close()


def open_screen(browser: Browser, screen: str, scheme: str = "light") -> BrowserContext:
    """A fresh profile. Axe is a script of its own, so the pages' own policy is set aside."""
    width, height = SCREENS[screen]
    size = {"width": width, "height": height}
    return browser.new_context(
        viewport=size, color_scheme=scheme, has_touch=screen == "phone", bypass_csp=True
    )


def find_faults(page: Page) -> list[str]:
    """What axe says of it, and whether it is wider than the screen."""
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    found = [f"{page.url}: {v['id']}" for v in Axe().run(page).response["violations"]]
    return [*found, f"{page.url}: too wide"] if wide else found
