"""What can be wrong with the saved file itself, and with the root that it is judged by."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from provisioner.core.appraisal.saved import write_saved
from provisioner.core.log_policy import FIELD
from tests.browser.saved_checks import Place, Spoiled, moment, report, sealed

GOOD, REJECTED, UNLOGGED = "GENUINE", "REJECTED", "UNLOGGED"
NOTHING, UNREADABLE = "UNVERIFIABLE", "unreadable"


def list_spoiled_files(place: Place) -> Iterator[Spoiled]:
    """The saved file itself: its form, and the root that it is judged by."""
    saved = place.saved()
    raw, value = write_saved(saved), json.loads(write_saved(saved))

    def put(name: str, outcome: str, **changes: Any) -> Spoiled:
        return Spoiled(name, outcome, json.dumps({**value, **changes}).encode(), place.root)

    for name, text in {
        "nothing": b"",
        "text": b"x",
        "a list": b"[]",
        "half": raw[: len(raw) // 2],
        "no UTF-8": raw + b"\xff",
        "a mark": b"\xef\xbb\xbf" + raw,
        "a name twice": raw.replace(b'{\n "address"', b'{"address":"x",\n "address"'),
        "a fraction": raw.replace(b"{", b'{"x":1.5,', 1),
        "a huge number": raw.replace(b"{", b'{"x":' + b"1" * 5000 + b",", 1),
        "deep": b"[" * 100_000,
    }.items():
        yield Spoiled(f"file: {name}", UNREADABLE, text, place.root)
    yield put("file: more fields", GOOD, more={"x": [1, None]})
    yield put("file: another type", UNREADABLE, type="x")
    yield put("file: half a letter", UNREADABLE, envelope=saved.envelope + "\ud800")
    yield put(
        "file: half a letter as a name",
        UNREADABLE,
        published={**value["published"], "manifests": {"\udcff": ""}},
    )
    for name in value:
        if name not in ("type", "_"):
            yield put(f"file: {name} as number", UNREADABLE, **{name: 1})
    for name in value["published"]:
        published = {key: each for key, each in value["published"].items() if key != name}
        yield put(f"file: without {name}", UNREADABLE, published=published)
    for text in (
        "",
        "now",
        moment().lower(),
        moment()[:-1],
        moment() + " ",
        "2026-13-01T00:00:00Z",
        "0999-01-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
    ):
        yield put(f"file: saved at {text!a}", UNREADABLE, saved_at=text)
    for name, root in {
        "no root": b"",
        "a root that is none": b"{}",
        "targets as root": saved.published.targets.encode(),
        "a root that is no UTF-8": place.root + b"\xff",
    }.items():
        yield Spoiled(name, REJECTED, raw, root)
    root = json.loads(place.root)
    for name, outcome, change in (
        ("a root with spaces", UNLOGGED, lambda r: r),
        ("a root that names no log", REJECTED, lambda r: r["signed"].pop(FIELD)),
        ("a root with a key twice", REJECTED, _twin_root),
        (
            "a root with another key",
            REJECTED,
            lambda r: next(iter(r["signed"]["keys"].values())).update(keytype="rsa"),
        ),
    ):
        changed = json.loads(json.dumps(root))
        change(changed)
        yield Spoiled(name, outcome, raw, json.dumps(changed, indent=2).encode())
    stated = sealed(report(release="app/taarafo/stable/9.9.9/release.json").statement())
    yield put("a report of a release that nobody listed", NOTHING, envelope=stated)


def _twin_root(root: Any) -> None:
    keys = root["signed"]["keys"]
    keys["0" * 64] = next(iter(keys.values()))
