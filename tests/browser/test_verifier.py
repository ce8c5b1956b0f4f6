"""The verifier as one file says word for word what Python says, with no network at all."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from securesystemslib.formats import encode_canonical

from provisioner.core.appraisal.appraise import STEPS
from provisioner.core.appraisal.saved import write_saved
from provisioner.core.appraisal.wording import LIMIT
from provisioner.engine.checks.saved_check import judge_saved, open_saved
from provisioner.engine.context import Context
from provisioner.errors import SavedUnreadable
from provisioner.settings import Settings
from tests.browser.chromium import SCREENS, find_faults, open_screen
from tests.browser.saved_checks import Place, Spoiled, begin_place, report_seen
from tests.browser.spoiled_agents import list_spoiled_agents
from tests.browser.spoiled_channels import list_spoiled_channels
from tests.browser.spoiled_files import list_spoiled_files
from tests.browser.spoiled_hosts import list_spoiled_hosts
from tests.browser.spoiled_logs import list_spoiled_logs
from tests.browser.spoiled_metadata import list_spoiled_metadata
from tests.browser.spoiled_reports import list_spoiled_reports
from tests.browser.spoiled_services import list_spoiled_services
from tests.browser.stolen_keys import list_stolen_keys
from tests.core.test_appraisal import file, make_tree
from web.check.verifier import write_verifier

pytestmark = pytest.mark.browser
JUDGE = """([saved, root]) => judgeSaved(readBase64(saved), readBase64(root)).catch((error) =>
    error instanceof Refused ? { unreadable: error.message } : { crashed: String(error) })"""
LONG_PATH = "/usr/lib/python3/" + "a-folder-with-a-long-name/" * 5 + "module.py"


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    return begin_place(tmp_path_factory.mktemp("publisher") / "p")


@pytest.fixture(scope="module")
def document(place: Place, tmp_path_factory) -> Path:
    """The file as somebody has it on her disk."""
    path = tmp_path_factory.mktemp("disk") / "verifier.html"
    path.write_text(write_verifier(place.root), "utf-8")
    return path


@pytest.fixture
def page(chromium: Browser, document: Path) -> Iterator[Page]:
    """Opened from the disk, under its own policy. It asks for nothing and complains of nothing."""
    tab = chromium.new_context()
    asked = cut_off(tab, document)
    page = tab.new_page()
    page.on("pageerror", lambda error: asked.append(f"error: {error}"))
    page.on("console", lambda message: asked.append(f"console: {message.text}"))
    open_document(page, document)
    yield page
    tab.close()
    assert asked == []


def cut_off(tab: BrowserContext, document: Path) -> list[str]:
    """What is asked for besides the document is refused, and listed."""
    asked: list[str] = []
    tab.set_offline(True)

    def answer(route) -> None:
        if route.request.url == document.as_uri():
            route.continue_()
        else:
            asked.append(route.request.url)
            route.abort()

    tab.route("**/*", answer)
    return asked


def open_document(page: Page, document: Path) -> None:
    page.goto(document.as_uri())
    expect(page.get_by_label("The saved check")).to_be_enabled()


def judge_by_python(context: Context, case: Spoiled, folder: Path) -> dict[str, object]:
    saved, root = folder / "saved.json", folder / "root.json"
    saved.write_bytes(case.raw)
    root.write_bytes(case.root)
    try:
        return json.loads(json.dumps(judge_saved(context, open_saved(saved).saved, root).as_json()))
    except SavedUnreadable as error:
        return {"unreadable": error.detail}


def judge_by_page(page: Page, case: Spoiled) -> dict[str, object]:
    return page.evaluate(JUDGE, [base64.b64encode(each).decode() for each in (case.raw, case.root)])


LISTS = {
    "reports": lambda place, _: list_spoiled_reports(place),
    "agents": list_spoiled_agents,
    "services": list_spoiled_services,
    "hosts": list_spoiled_hosts,
    "metadata": lambda place, _: list_spoiled_metadata(place),
    "logs": list_spoiled_logs,
    "keys": list_stolen_keys,
    "channels": list_spoiled_channels,
    "files": lambda place, _: list_spoiled_files(place),
}
FEWEST = {
    "reports": 200, "agents": 35, "services": 60, "hosts": 40, "metadata": 80, "logs": 50,
    "keys": 30, "files": 40, "channels": 20,
}  # fmt: skip


@pytest.mark.parametrize("kind", LISTS)
def test_both_verifiers_say_the_same_of_every_attack(page, place, tmp_path, kind):
    """Each case has the outcome that it must get, so both cannot be wrong together."""
    context, differ = Context(Settings(state=tmp_path)), []
    cases = {case.name: case for case in LISTS[kind](place, tmp_path)}
    for case in cases.values():
        by_python = judge_by_python(context, case, tmp_path)
        by_page = judge_by_page(page, case)
        if (by_python.get("outcome", "unreadable"), by_page) != (case.outcome, by_python):
            print(case.name, case.outcome, by_python, by_page, sep="\n  ")
            differ.append(case.name)
    assert differ == []
    assert len(cases) >= FEWEST[kind]


def test_the_steps_are_the_same(page):
    listed = page.evaluate(
        """STEPS.map((step) => [
          step.number, step.name, step.isGate, step.isOfEach ?? false, step.isOfAll ?? false,
        ])"""
    )
    names = [step.run.__name__.removeprefix("check_") for step in STEPS]
    assert listed == [
        [s.number, n, s.is_gate, s.is_of_each, s.is_of_all]
        for s, n in zip(STEPS, names, strict=True)
    ]


def test_numbers_that_only_the_publisher_may_write_are_read_like_python_does(page):
    """Canonical JSON has numbers of any length, and orders names by code points."""
    text = '{"\U0001f600":1,"\uffff":[true,null,-0,' + "9" * 30 + '],"b\\"\\\\\\n":""}'
    written = page.evaluate("(text) => writeCanonical(readLenientJson(text))", text)
    assert written == encode_canonical(json.loads(text))


def save(folder: Path, raw: bytes) -> Path:
    path = folder / "saved.json"
    path.write_bytes(raw)
    return path


def test_a_person_chooses_a_file_and_reads_the_verdict(page, place, tmp_path):
    page.get_by_label("The saved check").set_input_files(save(tmp_path, write_saved(place.saved())))
    verdict = page.locator("#verdict")
    expect(verdict.get_by_role("heading", level=2)).to_be_focused()
    expect(verdict).to_contain_text("GENUINE")
    expect(verdict).to_contain_text(f"It was measured 1 minute ago. {LIMIT}")
    expect(verdict).to_contain_text("nobody signed it")
    expect(verdict.locator("#steps > li")).to_have_count(16)
    expect(verdict.locator("#steps > li").first).to_contain_text("1. Who signed the report?")


def test_differing_paths_are_named_as_safe_text(page, place, tmp_path):
    tree = make_tree((file("/app/\x1b[2J<b>\u202e"), file("/app/main.py", "dd")))
    raw = write_saved(place.saved(report_seen(tree=tree)))
    page.get_by_label("The saved check").set_input_files(save(tmp_path, raw))
    expect(page.locator("#outcome")).to_have_text("MODIFIED")
    assert page.locator(".paths code").all_inner_texts() == [
        "/app/\\x1b[2J<b>\\u202e",
        "/app/main.py",
    ]


def test_another_root_is_believed_only_when_a_person_says_so(page, place, tmp_path):
    other = begin_place(tmp_path / "other")
    raw = save(tmp_path, write_saved(other.saved()))
    page.get_by_label("The saved check").set_input_files(raw)
    expect(page.locator("#outcome")).to_have_text("REJECTED")
    shown = page.locator("#fingerprint").inner_text()
    page.get_by_label("Use another root of trust").set_input_files(other.publisher.shipped_root)
    expect(page.locator("#verdict")).to_be_hidden()
    expect(page.locator("#fingerprint")).not_to_have_text(shown)
    expect(page.locator("#whose")).to_contain_text("you chose")
    page.get_by_label("The saved check").set_input_files(raw)
    expect(page.locator("#outcome")).to_have_text("GENUINE")


def test_what_is_no_saved_check_says_so_and_shows_no_old_verdict(page, place, tmp_path):
    field = page.get_by_label("The saved check")
    field.set_input_files(save(tmp_path, write_saved(place.saved())))
    expect(page.locator("#verdict")).to_be_visible()
    field.set_input_files({"name": "a\u202e.txt", "mimeType": "text/plain", "buffer": b"hello"})
    expect(page.get_by_role("alert")).to_contain_text("no saved check that we understand")
    expect(page.locator("#verdict")).to_be_hidden()


def test_the_same_file_can_be_chosen_again_when_it_has_changed(page, place, tmp_path):
    for evidence, outcome in ((None, "GENUINE"), (report_seen(processes=()), "UNVERIFIABLE")):
        saved = place.saved(evidence) if evidence else place.saved()
        path = save(tmp_path, write_saved(saved))
        with page.expect_file_chooser() as chooser:
            page.get_by_label("The saved check").click()
        chooser.value.set_files(path)
        expect(page.locator("#outcome")).to_have_text(outcome)


def test_a_file_can_be_dropped(page, place):
    raw = write_saved(place.saved()).decode()
    page.evaluate(
        """(text) => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([text], "saved.json"));
          const how = { dataTransfer, bubbles: true, cancelable: true };
          document.body.dispatchEvent(new DragEvent("drop", how));
        }""",
        raw,
    )
    expect(page.locator("#outcome")).to_have_text("GENUINE")


def test_its_own_policy_lets_nothing_out(chromium, document):
    """Even a script that got in could send nothing: not what this browser asks, the policy."""
    tab = chromium.new_context()
    page = tab.new_page()
    open_document(page, document)
    refused = """async () => {
      const seen = [];
      const note = (event) => seen.push(event.effectiveDirective);
      document.addEventListener("securitypolicyviolation", note);
      await fetch("http://127.0.0.1:9/").catch(() => {});
      document.body.append(Object.assign(new Image(), { src: "http://127.0.0.1:9/x" }));
      const script = { text: "window.came = 1" };
      document.body.append(Object.assign(document.createElement("script"), script));
      await new Promise((done) => setTimeout(done, 200));
      return [seen.sort(), window.came ?? 0];
    }"""
    assert page.evaluate(refused) == [["connect-src", "img-src", "script-src-elem"], 0]
    tab.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_it_is_for_everybody(chromium, document, place, tmp_path, screen, scheme):
    tab = open_screen(chromium, screen, scheme)
    page, found = tab.new_page(), []
    open_document(page, document)
    found += find_faults(page)
    field = page.get_by_label("The saved check")
    tree = make_tree((file(LONG_PATH), file("/app/main.py", "dd")))
    for number, evidence in enumerate((report_seen(tree=tree), report_seen(read_only_root=False))):
        raw = write_saved(place.saved(evidence))
        field.set_input_files({"name": f"{number}", "mimeType": "", "buffer": raw})
        expect(page.locator("#said")).to_have_text(f"{number} was checked.")
        found += find_faults(page)
    field.set_input_files(save(tmp_path, b"x"))
    expect(page.get_by_role("alert")).to_be_visible()
    found += find_faults(page)
    tab.close()
    assert found == []
