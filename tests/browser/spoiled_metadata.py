"""What can be wrong with what a publisher signed: changed, exchanged, left out or run out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from tuf.api.metadata import Metadata
from tuf.api.serialization import DeserializationError

from provisioner.models.saved_check import ReleaseCopy
from tests.browser.saved_checks import Place, Spoiled, moment, report

GOOD, REJECTED, STALE = "GENUINE", "REJECTED", "STALE"
UNLOGGED, NOTHING = "UNLOGGED", "UNVERIFIABLE"


def list_spoiled_metadata(place: Place) -> Iterator[Spoiled]:
    copy = place.copy()
    for name, outcome, published in _list_changed(place, copy):
        yield place.spoiled(name, outcome, published=published)
    for days in (31, 91, 366, 3_000):
        yield _move(place, f"{days} days later", STALE, timedelta(days=days))
    last = "9999-12-31T23:59:59Z"
    yield place.spoiled("the last second", "UNKNOWN", published=copy, saved_at=last)


def _list_changed(place: Place, copy: ReleaseCopy) -> Iterator[tuple[str, str, ReleaseCopy]]:
    for name in ("targets", "role_metadata"):
        text = getattr(copy, name)
        for part in range(1, 20):
            at = len(text) * part // 20
            changed = text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]
            yield f"{name} at {part}/20", _of_changed(changed), replace(copy, **{name: changed})
        for what, spoiled in _list_texts(text):
            yield f"{name} {what}", _of_changed(spoiled), replace(copy, **{name: spoiled})
    root = place.root.decode()
    yield "the root as targets", UNLOGGED, replace(copy, targets=root)
    yield (
        "targets as its own role",
        REJECTED,
        replace(copy, role="targets", role_metadata=copy.targets),
    )
    yield "the root as role", REJECTED, replace(copy, role="root", role_metadata=root)
    yield "another name of the role", UNLOGGED, replace(copy, role="x")
    yield "the role as targets", UNLOGGED, replace(copy, targets=copy.role_metadata)
    yield "another target", NOTHING, replace(copy, target=copy.target.replace("1.2.0", "1.1.0"))
    yield "a target of nobody", REJECTED, replace(copy, target="elsewhere/x")
    yield "a target too deep", REJECTED, replace(copy, target=copy.target + "/x")
    yield (
        "a changed release",
        REJECTED,
        replace(copy, release=copy.release.replace("1.2.0", "1.2.1")),
    )
    yield "a release with a space", REJECTED, replace(copy, release=copy.release + " ")
    yield "no manifest", REJECTED, replace(copy, manifests={})
    yield "another manifest", REJECTED, replace(copy, manifests={"app": "[]\n"})
    yield (
        "a manifest under another name",
        GOOD,
        replace(copy, manifests={"x": "", "y": copy.manifests["app"]}),
    )
    yield "the root again as a later one", REJECTED, replace(copy, roots=(root,))
    yield "a later root that is none", REJECTED, replace(copy, roots=("{}",))


def _list_texts(text: str) -> Iterator[tuple[str, str]]:
    value = json.loads(text)
    signed = value["signed"]
    yield "with a name twice", text.replace('"signed":', '"signed":{},"signed":', 1)
    yield "with spaces", json.dumps(value, indent=1)
    yield "with nothing in it", "{}"
    yield "that is a list", "[]"
    yield "that is no JSON", "x"
    yield "beginning with a mark", "\ufeff" + text
    yield "with no signatures", json.dumps({**value, "signatures": []})
    twice = [*value["signatures"], value["signatures"][0]]
    yield "with a signature twice", json.dumps({**value, "signatures": twice})
    for name, change in {
        "version 0": {"version": 0},
        "version 99": {"version": 99},
        "version as text": {"version": "1"},
        "version null": {"version": None},
        "version true": {"version": True},
        "version 1.5": {"version": 1.5},
        "a huge version": {"version": 10**30},
        "no moment": {"expires": "x"},
        "a later end": {"expires": "2199-01-01T00:00:00Z"},
        "another type": {"_type": "x"},
        "a snapshot": {"_type": "snapshot", "meta": {}},
        "another specification": {"spec_version": "2.0.0"},
        "short specification": {"spec_version": "1.0"},
        "a long one": {"spec_version": "1.0.0.0"},
        "targets as list": {"targets": []},
        "a target without hash": {"targets": {"x": {"length": 1}}},
        "a target of no length": {"targets": {"x": {"length": -1, "hashes": {"sha256": ""}}}},
        "delegations null": {"delegations": None},
    }.items():
        yield f"with {name}", json.dumps({**value, "signed": {**signed, **change}})


def _of_changed(text: str) -> str:
    """Metadata that still has its form is missed in the log; any other has no form."""
    try:
        Metadata.from_bytes(text.encode())
    except DeserializationError:
        return REJECTED
    return UNLOGGED


def _move(place: Place, name: str, outcome: str, by: timedelta) -> Spoiled:
    minutes = by.total_seconds() / 60
    evidence = report(issued=moment(minutes - 1), expires=moment(minutes + 4))
    return place.spoiled(name, outcome, evidence, saved_at=moment(minutes))
