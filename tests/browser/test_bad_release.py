"""A bad release goes out, is put back by itself and goes no further; then a good one comes.

Nobody upgrades anything here: the worker of the control plane does, as soon as `release publish`
has signed. Two families, a member who writes all the while, a founder and an operator look on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from provisioner.engine.at_once import create_now
from provisioner.engine.context import Context
from tests.browser.chromium import open_screen
from tests.browser.evening import URL, Person
from tests.live.community import hold_others, take_down, wait_until
from tests.live.versions import HASTY, MENDED, publish_by_command

pytestmark = pytest.mark.browser
NAMES = ("The Baker Family", "The Ochoa Family")
STAYS = "Your community stays on its version"


@pytest.fixture(scope="module")
def context(control_plane, state) -> Context:
    return Context(state)


@pytest.fixture
def families(context) -> Iterator[dict[str, dict[str, str]]]:
    """Both by name, as `community create` tells of them."""
    hold_others(context)
    made = {
        name: create_now(
            context, on_progress=lambda _: None, preset="family", name=name, founder="Ann"
        )
        for name in NAMES
    }
    yield made
    for each in made.values():
        take_down(context, context.store.get_community(each["id"]))


class Writer(Person):
    """A member of both families, with a page open in each."""

    def come_in(self, families: dict[str, dict[str, str]]) -> None:
        self.said: list[str] = []
        self.pages = []
        for each in families.values():
            self.page = self.browser.new_page()
            self.join(each["invite_url"], "Mary")
            self.page.get_by_label("What would you like to share?").fill("Who is coming?")
            self.press("Share")
            self.page.locator('article a[href^="/posts/"]').first.click()
            self.pages.append(self.page)

    def write(self, words: str) -> None:
        """In both, as a comment. What the page shows was kept."""
        for page in self.pages:
            page.get_by_label("Your comment").fill(words)
            page.get_by_role("button", name="Send", exact=True).click()
            expect(page.get_by_text(words, exact=True)).to_be_visible(timeout=30_000)
        self.said.append(words)

    def write_until(self, happened, what: str) -> None:
        def write_once() -> bool:
            self.write(f"word {len(self.said)}.")
            return happened()

        wait_until(write_once, what, 120)

    def miss(self) -> list[str]:
        """All that was kept once and is not there now."""
        lost = []
        for page in self.pages:
            page.reload()
            there = page.locator(".comments").inner_text()
            lost += [words for words in self.said if words not in there]
        return lost


def find_rollout(context: Context, version: str):
    rows = {row.target: row for row in context.store.list_rollouts()}
    return rows.get(f"app/taarafo/stable/{version}/release.json")


def read_state(context: Context, version: str) -> str:
    row = find_rollout(context, version)
    return row.state if row else ""


def is_soaking(context: Context, version: str) -> bool:
    row = find_rollout(context, version)
    return bool(row and row.soaking_since)


def list_upgraded(context: Context, version: str) -> dict[str, str]:
    """State of the upgrade to it, by name of the community."""
    found = context.store.find_attempts(f"app/taarafo/stable/{version}/release.json")
    return {context.store.get_community(id_).name: state for id_, state in found.items()}


def test_a_bad_release_is_put_back_by_itself_and_a_good_one_comes(
    chromium: Browser, context, state, control_plane, families, tmp_path
):
    olga = Person(open_screen(chromium, "desktop"), "bad-release")
    olga.enter_dashboard(context, control_plane.operator_link)
    ann = Person(open_screen(chromium, "phone"), "bad-release")
    mary = Writer(open_screen(chromium, "phone"), "bad-release")
    mary.come_in(families)
    mary.write("Before.")

    publish_by_command(state, HASTY, tmp_path, "--security")
    mary.write_until(lambda: read_state(context, HASTY.number) == "halted", "it is halted")
    (canary,) = list_upgraded(context, HASTY.number)
    (other,) = set(NAMES) - {canary}
    for each in families.values():
        assert context.store.get_community(each["id"]).version < HASTY.number
    assert mary.miss() == []

    olga.page.goto(f"{URL}/operator/upgrades")
    bad = olga.page.get_by_role("region", name=f"taarafo {HASTY.number}")
    expect(bad).to_contain_text("Halted: the first one failed, and nobody is started.")
    expect(bad).to_contain_text(
        re.compile(f"{canary} failed .*does not keep the promise “Nobody outside", re.DOTALL)
    )
    expect(bad).not_to_contain_text(other)
    olga.look_everywhere("1-halted")
    bad.get_by_role("link", name=canary).click()
    expect(olga.page.get_by_role("log")).to_contain_text("promise-broken")
    olga.look_everywhere("2-why")
    for number, (name, tale) in enumerate(
        {canary: "was tried today and did not work well", other: "is held back"}.items()
    ):
        ann.page.goto(families[name]["console_url"])
        expect(ann.page.get_by_text(STAYS)).to_have_count(1)
        expect(ann.page.get_by_text(STAYS)).to_contain_text(tale)
        ann.look_everywhere(f"3-stays-{number}")

    publish_by_command(state, MENDED, tmp_path, "--security")
    mary.write_until(lambda: is_soaking(context, MENDED.number), "a first one has it")
    ((first, how),) = list_upgraded(context, MENDED.number).items()
    assert how == "done"
    olga.page.goto(f"{URL}/operator/upgrades")
    good = olga.page.get_by_role("region", name=f"taarafo {MENDED.number}")
    expect(good).to_contain_text("the first one has to run for an hour.")
    olga.look_everywhere("4-first")
    (second,) = set(NAMES) - {first}
    olga.page.get_by_role("link", name=second).first.click()  # she does not want to wait so long
    olga.press("Upgrade now")
    mary.write_until(lambda: read_state(context, MENDED.number) == "done", "all have it")
    mary.write("After.")
    assert mary.miss() == []

    olga.page.goto(f"{URL}/operator/upgrades")
    expect(good).to_contain_text("Done: 2 have this release.")
    expect(olga.page.get_by_text("Halted")).to_have_count(0)
    olga.look_everywhere("5-done")
    for name in NAMES:
        ann.page.goto(families[name]["console_url"])
        expect(ann.page.get_by_text("Your community got a newer version today.")).to_contain_text(
            "What is new: Photos load faster, and strangers see nothing."
        )
        expect(ann.page.get_by_text(STAYS)).to_have_count(0)
    ann.look_everywhere("6-newer")
    assert olga.faults + ann.faults + mary.faults == []
    for person in (olga, ann, mary):
        person.browser.close()
