"""What a thief of some of the publisher's keys can sign, and what a chain of roots can hide."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.metadata import Metadata, Root

from provisioner.core.appraisal.agents import row_of
from provisioner.core.log_entries import entry_of_agent, entry_of_metadata
from provisioner.core.tlog.entry import Entry, write_entry
from provisioner.models.saved_check import ReleaseCopy
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.renew import renew_signatures
from tests.browser.saved_checks import Place, Spoiled, moment, report
from tests.core.test_appraisal_dsse import OTHER, public_of
from tests.publishing.place import APP, NOW, forge

GOOD, REJECTED, STALE, UNLOGGED = "GENUINE", "REJECTED", "STALE", "UNLOGGED"
DIVIDED, OUTDATED = "EQUIVOCATION", "OUTDATED"
Edit = Callable[[Metadata[Any]], None]


def list_stolen_keys(place: Place, folder: Path) -> Iterator[Spoiled]:
    yield from _list_forged(place, folder)
    yield from _list_roots(place, folder)
    yield from _list_rotated(place, folder)


def _list_forged(place: Place, folder: Path) -> Iterator[Spoiled]:
    """One change each to a twin of the publisher, told to the log and not."""
    for role in ("targets", APP):
        older = place.copy()
        newer = _change(place, folder / f"newer-{role}", lambda p, role=role: forge(p, role))
        yield newer.spoiled(f"a newer {role}", GOOD)
        mixed = replace(newer.copy(), targets=older.targets, role_metadata=older.role_metadata)
        yield newer.spoiled(f"an older {role} than logged", REJECTED, published=mixed)
        silent = _change(
            place, folder / f"silent-{role}", lambda p, role=role: forge(p, role, is_logged=False)
        )
        yield silent.spoiled(f"an unlogged {role}", UNLOGGED)
    for name, (role, outcome, edit) in _CHANGES.items():
        forged = _change(place, folder / name, lambda p, role=role, edit=edit: forge(p, role, edit))
        yield forged.spoiled(f"signed: {name}", outcome)
    unsigned = _change(place, folder / "unsigned", lambda p: forge(p, APP, unsigned=True))
    yield _of_disk(unsigned, "a role without a signature", REJECTED)
    for name, edit in (
        ("one signature", None),
        ("a key twice", _add_twin(str)),
        ("a key twice, in capitals", _add_twin(str.upper)),
        ("a key twice, with a space", _add_twin(lambda public: f"{public[:2]} {public[2:]}")),
    ):
        forged = _change(
            place,
            folder / name,
            lambda p, edit=edit: forge(p, "targets", edit or _keep, unsigned=edit is None),
        )
        yield _of_disk(forged, f"targets with {name}", REJECTED)
    for name, version, floor in (
        ("a newer release", "1.10.0", ""),
        ("a weakness", "1.3.0", "1.2.5"),
    ):
        newer = place.twin(folder / version)
        newer.publish(version, security_floor=floor)
        yield newer.spoiled(name, OUTDATED)
    for name, outcome, entry in (
        ("a replaced agent", UNLOGGED, entry_of_agent("h1", row_of(public_of(OTHER)))),
        ("two targets of one version", DIVIDED, Entry("metadata", "1.targets.json", "0" * 64)),
    ):
        told = place.twin(folder / name)
        told.tell(entry)
        yield told.spoiled(name, outcome)


def _change(place: Place, folder: Path, change: Callable[[Publisher], None]) -> Place:
    twin = place.twin(folder)
    change(twin.publisher)
    return twin


def _keep(metadata: Metadata[Any]) -> None:
    """Only the version changes."""


def _of_disk(place: Place, name: str, outcome: str) -> Spoiled:
    """For what the publisher itself would not read again: the newest files as they are."""
    log = place.publisher.open_log(Metadata.from_bytes(place.root).signed)
    copy = ReleaseCopy(
        roots=(),
        targets=_read_newest(place, "targets"),
        role=APP,
        role_metadata=_read_newest(place, APP),
        target="app/taarafo/stable/1.2.0/release.json",
        release="",
        manifests={},
        checkpoint=(log.folder / "checkpoint").read_text(),
        entries=tuple(write_entry(entry).decode() for entry in log.list_entries()),
    )
    return place.spoiled(name, outcome, published=copy)


def _read_newest(place: Place, role: str) -> str:
    files = place.publisher.repository.metadata.glob(f"*.{role}.json")
    return max(files, key=lambda path: int(path.name.split(".")[0])).read_text()


def _edit_entry(**changes: Any) -> Edit:
    def edit(metadata: Metadata[Any]) -> None:
        for path, entry in metadata.signed.targets.items():
            if path.endswith("1.2.0/release.json"):
                entry.unrecognized_fields["custom"].update(changes)

    return edit


def _edit_paths(*paths: str) -> Edit:
    def edit(metadata: Metadata[Any]) -> None:
        metadata.signed.delegations.roles[APP].paths = list(paths)

    return edit


def _drop_hash(metadata: Metadata[Any]) -> None:
    for entry in metadata.signed.targets.values():
        entry.hashes = {"sha512": "00"}


def _add_odd_version(metadata: Metadata[Any]) -> None:
    entries = metadata.signed.targets
    entries["app/taarafo/stable/odd/release.json"] = next(iter(entries.values()))


def _add_twin(spell: Callable[[str], str]) -> Edit:
    def edit(metadata: Metadata[Any]) -> None:
        keys = metadata.signed.delegations.keys
        key = next(iter(keys.values()))
        public = {"public": spell(key.keyval["public"])}
        keys["0" * 64] = SSlibKey("0" * 64, key.keytype, key.scheme, public)

    return edit


_CHANGES: dict[str, tuple[str, str, Edit]] = {
    "no channel": (APP, REJECTED, _edit_entry(channel=None)),
    "a floor that is none": (APP, REJECTED, _edit_entry(security_floor="1.x")),
    "another hash": (APP, REJECTED, _drop_hash),
    "an odd version": (APP, REJECTED, _add_odd_version),
    "text beyond ASCII": (
        APP,
        GOOD,
        _edit_entry(note='é " \\ \x00 \x7f', __proto__=1, **{"\U0001f600": 1, "\uffff": 2}),
    ),
    "paths that fit by one sign": (
        "targets",
        GOOD,
        _edit_paths("app/t?arafo/stab[a-l]e/*/release.json"),
    ),
    "paths that fit by a set": ("targets", GOOD, _edit_paths("a", "[!b]pp/*/*/1.2.[]0]/*.json")),
    "paths that do not fit": (
        "targets",
        REJECTED,
        _edit_paths("app/*", "app/*/*/[!1]*/*", "App/*/*/*/*"),
    ),
    "paths with signs of patterns": (
        "targets",
        REJECTED,
        _edit_paths("app/.*/.*/.*/.*", "(app|x)/*/*/*/*"),
    ),
}


def _list_roots(place: Place, folder: Path) -> Iterator[Spoiled]:
    """A chain of three roots, and what a stranger could leave out or put in."""
    chain = place.twin(folder / "chain")
    for years in (1, 2):
        renew_signatures(chain.publisher, now=NOW + timedelta(days=300 * years))
    days = 600

    def at(name: str, outcome: str, **changes: Any) -> Spoiled:
        minutes = days * 24 * 60
        evidence = report(issued=moment(minutes - 1), expires=moment(minutes + 4))
        copy = replace(chain.copy(), **changes)
        return chain.spoiled(name, outcome, evidence, published=copy, saved_at=moment(minutes))

    second, third = chain.copy().roots
    yield at("roots: all", GOOD)
    yield at("roots: the last is missing", REJECTED, roots=(second,))
    yield at("roots: the first is missing", REJECTED, roots=(third,))
    yield at("roots: none", STALE, roots=())
    yield at("roots: one twice", REJECTED, roots=(second, second, third))
    spaced = json.dumps(json.loads(second), indent=1)
    yield at("roots: one with spaces between", GOOD, roots=(spaced, third))
    yield at("roots: the last with spaces", UNLOGGED, roots=(second, third + " "))
    value = json.loads(second)
    for name, outcome, change in (
        ("without a signature", GOOD, lambda v: v["signatures"].pop()),
        ("without two signatures", REJECTED, lambda v: v["signatures"].clear()),
        ("a longer life", REJECTED, lambda v: v["signed"].update(expires="2199-01-01T00:00:00Z")),
        ("a lower threshold", REJECTED, lambda v: v["signed"]["roles"]["root"].update(threshold=1)),
        ("a threshold of 0", REJECTED, lambda v: v["signed"]["roles"]["root"].update(threshold=0)),
        ("a role less", REJECTED, lambda v: v["signed"]["roles"].pop("snapshot")),
        ("a fraction more", REJECTED, lambda v: v["signed"].update(x=1.5)),
        ("half a letter more", REJECTED, lambda v: v["signed"].update(x="\ud800")),
        ("a field more", REJECTED, lambda v: v["signed"].update(x=1)),
        ("an unsigned field more", GOOD, lambda v: v.update(x=1.5)),
        (
            "capitals in a signature",
            GOOD,
            lambda v: v["signatures"][0].update(sig=" " + v["signatures"][0]["sig"].upper()),
        ),
        (
            "a signature that is none",
            REJECTED,
            lambda v: [s.update(sig="x") for s in v["signatures"]],
        ),
        (
            "a moment written short",
            GOOD,
            lambda v: v["signed"].update(expires=v["signed"]["expires"].replace("-0", "-").lower()),
        ),
    ):
        spoiled = json.loads(json.dumps(value))
        change(spoiled)
        yield at(f"roots: {name}", outcome, roots=(json.dumps(spoiled), third))


def _list_rotated(place: Place, folder: Path) -> Iterator[Spoiled]:
    """A second root with other keys, which is logged: old ones and new ones must sign it."""
    old = [place.publisher.ring.ensure_private("root", number) for number in (1, 2)]
    new = [Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (21, 22)]
    for name, outcome, signers in (
        ("both sign", GOOD, [*old, *new]),
        ("only the old ones sign", REJECTED, old),
        ("only the new ones sign", REJECTED, new),
        ("one of each signs", REJECTED, [old[0], new[0]]),
        ("one old one is missing", REJECTED, [old[0], *new]),
        ("one new one is missing", REJECTED, [*old, new[0]]),
    ):
        twin = place.twin(folder / f"rotated-{name}")
        root = Metadata[Root].from_bytes(place.root)
        root.signed.version = 2
        for keyid in list(root.signed.roles["root"].keyids):
            root.signed.revoke_key(keyid, "root")
        for key in new:
            root.signed.add_key(SSlibKey.from_crypto(key.public_key()), "root")
        root.signatures.clear()
        for key in signers:
            root.sign(CryptoSigner(key), append=True)
        raw = root.to_bytes()
        twin.tell(entry_of_metadata("root", 2, raw))
        copy = replace(twin.copy(), roots=(raw.decode(),))
        yield twin.spoiled(f"rotated: {name}", outcome, published=copy)
