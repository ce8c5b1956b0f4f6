"""What can be wrong with the public log and with those who watch it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioner.core.log_policy import FIELD
from provisioner.core.tlog.checkpoint import Checkpoint, write_checkpoint
from provisioner.core.tlog.cosignature import cosign
from provisioner.core.tlog.merkle import hash_leaf, root_of
from provisioner.core.tlog.note import Note, NoteSignature, read_note, sign_note, write_note
from provisioner.models.saved_check import ReleaseCopy
from provisioner.publishing.rotate_log import rotate_log_key
from tests.browser.saved_checks import (
    LATELY,
    WITNESSES,
    Place,
    Spoiled,
    begin_witnessed,
    cosigned,
)
from tests.core.test_appraisal_dsse import KEY
from tests.publishing.place import APP, NOW

GOOD, REJECTED, STALE = "GENUINE", "REJECTED", "STALE"
UNLOGGED, DIVIDED = "UNLOGGED", "EQUIVOCATION"


def list_spoiled_logs(place: Place, folder: Path) -> Iterator[Spoiled]:
    for name, outcome, published in _list_logs(place, place.copy()):
        yield place.spoiled(name, outcome, published=published)
    yield from _list_rotated(place.twin(folder / "rotated"))
    yield from _list_witnessed(begin_witnessed(place, folder / "witnessed"))


def _list_logs(place: Place, copy: ReleaseCopy) -> Iterator[tuple[str, str, ReleaseCopy]]:
    entries, note = copy.entries, copy.checkpoint
    for name, changed in (
        ("without its last entry", entries[:-1]),
        ("empty", ()),
        ("turned round", entries[::-1]),
        (
            "with a changed entry",
            (entries[0].replace("sha256:", "sha256:0")[:-2] + "\n", *entries[1:]),
        ),
        ("with an entry twice", (entries[0], *entries)),
        ("with a very long entry", ("x" * 70_000, *entries[1:])),
        ("with an entry that is none", ("x", *entries[1:])),
    ):
        yield f"log {name}", REJECTED, replace(copy, entries=changed)
    yield "log with one entry more", GOOD, replace(copy, entries=(*entries, entries[0]))
    yield "log with a long one behind", REJECTED, replace(copy, entries=(*entries, "x" * 70_000))
    lines = note.split("\n")
    for name, changed in {
        "nothing": "",
        "text": "x",
        "no signature": "\n".join(lines[:3]) + "\n\n",
        "cut": note[:-1],
        "another size": note.replace(f"\n{lines[1]}\n", "\n5\n", 1),
        "a size with a zero": note.replace(f"\n{lines[1]}\n", f"\n0{lines[1]}\n", 1),
        "a huge size": note.replace(f"\n{lines[1]}\n", "\n99999999999999999999\n", 1),
        "another origin": "x" + note,
        "a control sign": note.replace(lines[0], lines[0] + "\t", 1),
        "a hyphen": note.replace("— ", "- "),
        "a spoiled signature": note[:-10] + "AAAAAAAA\n" + "",
        "a strange signature more": note + "— x.example AAAAAAAA\n",
        "a signature without a name": note + "—  AAAAAAAA\n",
        "a short one": note + "— x AAAA\n",
        "loose bits": note + "— x AAAAAAB=\n",
        "a wide space in a name": note + "— x\u2003y AAAAAAAA\n",
        "101 signatures": note + "— x AAAAAAAA\n" * 100,
        "a megabyte": note + "— x " + "AAAA" * 300_000 + "\n",
    }.items():
        outcome = GOOD if name == "a strange signature more" else REJECTED
        yield f"checkpoint with {name}", outcome, replace(copy, checkpoint=changed)
    for name, size in (("0", 0), ("a million and one", 1_000_001), ("2⁶³-1", 2**63 - 1)):
        forged = _sign_checkpoint(place, Checkpoint(lines[0], size, root_of([])))
        yield (
            f"a signed size of {name}",
            REJECTED if size else UNLOGGED,
            replace(copy, checkpoint=forged),
        )
    other = _sign_checkpoint(place, Checkpoint("other.example", 0, root_of([])))
    yield "a signed checkpoint of another log", REJECTED, replace(copy, checkpoint=other)
    for name, outcome, more in _list_entries():
        raw = [*entries, more]
        root = root_of([hash_leaf(entry.encode()) for entry in raw])
        forged = _sign_checkpoint(place, Checkpoint(lines[0], len(raw), root, ("more lines",)))
        published = replace(copy, entries=tuple(raw), checkpoint=forged)
        yield f"logged: {name}", outcome, published


def _list_entries() -> Iterator[tuple[str, str, str]]:
    hash_ = "0" * 64
    for name, outcome in {
        "2.root.json": REJECTED,
        "99.targets.json": REJECTED,
        f"99.{APP}.json": REJECTED,
        "1.root.json": DIVIDED,
        "99.snapshot.json": GOOD,
        "099.root.json": GOOD,
        "9.é.json": GOOD,
        "x": GOOD,
        "a\u2003b": REJECTED,
        "a\u202e": REJECTED,
        "é" * 200: GOOD,
        "é" * 201: REJECTED,
        "\U0001f600" * 200: GOOD,
        "": REJECTED,
        "a\x7f": REJECTED,
        "99999999999.root.json": GOOD,
    }.items():
        yield (
            f"{name[:20]!a} of {len(name)}",
            outcome,
            f"taarafo/log/v1 metadata {name} sha256:{hash_}\n",
        )
    yield "another key of its agent", UNLOGGED, f"taarafo/log/v1 agent h1 sha256:{hash_}\n"
    yield "a key of another agent", GOOD, f"taarafo/log/v1 agent h2 sha256:{hash_}\n"
    yield "a rotation", GOOD, f"taarafo/log/v1 rotation h1 sha256:{hash_}\n"
    yield "another kind", REJECTED, f"taarafo/log/v1 other h1 sha256:{hash_}\n"
    yield "two lines", REJECTED, f"taarafo/log/v1 agent h1 sha256:{hash_}\n\n"
    yield "capitals", REJECTED, f"taarafo/log/v1 agent h1 sha256:{'A' * 64}\n"


def _sign_checkpoint(place: Place, checkpoint: Checkpoint) -> str:
    """Whoever has the log's key can sign whatever she likes."""
    private = place.publisher.ring.ensure_private("log", 1)
    name = place.publisher.open_log(place.publisher.read_state().root.signed).key.name
    text = write_checkpoint(checkpoint)
    return write_note(Note(text, (sign_note(text, name, private),))).decode()


def _list_rotated(place: Place) -> Iterator[Spoiled]:
    """The log has taken a new key, which the second root names."""
    old = place.publisher.ring.list_privates("log", 1)
    rotate_log_key(place.publisher, now=NOW)
    new, copy = place.publisher.ring.list_privates("log", 1), place.copy()
    log = place.publisher.open_log(place.publisher.read_state().root.signed)
    text = read_note(copy.checkpoint.encode()).text

    def signed(name: str, outcome: str, *privates: Ed25519PrivateKey, **changes: Any) -> Spoiled:
        lines = tuple(sign_note(text, log.key.name, private) for private in privates)
        checkpoint = write_note(Note(text, lines)).decode()
        published = replace(copy, checkpoint=checkpoint, **changes)
        return place.spoiled(f"rotated: {name}", outcome, published=published)

    yield signed("the new key", GOOD, *new)
    yield signed("both keys", GOOD, *new, *old)
    yield signed("both keys, the old one first", GOOD, *old, *new)
    yield signed("the old key", REJECTED, *old)
    yield signed("the old key and the old root", REJECTED, *old, roots=())
    yield signed("the new key and the old root", REJECTED, *new, roots=())
    yield signed("both keys and the old root", REJECTED, *new, *old, roots=())


def _list_witnessed(place: Place) -> Iterator[Spoiled]:
    copy = place.copy()
    day = timedelta(hours=24)

    def seen(name: str, outcome: str, **ago: timedelta) -> Spoiled:
        published = replace(copy, checkpoint=cosigned(copy.checkpoint, ago))
        return place.spoiled(f"witnesses: {name}", outcome, published=published)

    yield place.spoiled("witnesses: three", GOOD, published=copy)
    yield seen("two", GOOD, anna=LATELY, carl=timedelta(hours=3))
    yield seen("one", STALE, anna=LATELY)
    yield seen("none", STALE)
    yield seen("a day ago", GOOD, anna=day, bert=day)
    yield seen("more than a day ago", STALE, anna=LATELY, bert=day + timedelta(seconds=1))
    yield seen("one old beside two", GOOD, anna=LATELY, bert=LATELY, carl=day * 9)
    ahead = timedelta(minutes=5)
    yield seen("a little ahead", GOOD, anna=-ahead, bert=-LATELY)
    yield seen("from the future", STALE, anna=-ahead - timedelta(seconds=1), bert=LATELY)
    yield seen("from another century", STALE, anna=LATELY, bert=-day * 36_500)
    note = read_note(copy.checkpoint.encode())
    for name, outcome, signature in _list_cosignatures(note):
        spoiled = write_note(replace(note, signatures=(*note.signatures, signature))).decode()
        yield place.spoiled(
            f"witnesses: {name}", outcome, published=replace(copy, checkpoint=spoiled)
        )
    unwatched = replace(copy, roots=())
    yield place.spoiled("witnesses: without the later root", REJECTED, published=unwatched)
    root = json.loads(copy.roots[-1])
    root["signed"][FIELD] = root["signed"][FIELD].replace("quorum two", "quorum none")
    unasked = replace(copy, roots=(json.dumps(root),))
    yield place.spoiled("witnesses: nobody is asked", REJECTED, published=unasked)


def _list_cosignatures(note: Note) -> Iterator[tuple[str, str, NoteSignature]]:
    now = int(NOW.timestamp())
    right = cosign(note.text, "anna.example", WITNESSES["anna"], now)
    yield "signed twice", GOOD, right
    content = bytearray(right.signature)
    content[-1] ^= 1
    yield "a false one", REJECTED, replace(right, signature=bytes(content))
    yield "a short one", REJECTED, replace(right, signature=right.signature[:9])
    yield (
        "another time",
        REJECTED,
        replace(right, signature=(now + 1).to_bytes(8, "big") + right.signature[8:]),
    )
    yield (
        "no time that can be",
        REJECTED,
        replace(right, signature=b"\xff" * 8 + right.signature[8:]),
    )
    yield "of a stranger", GOOD, cosign(note.text, "dora.example", KEY, now)
    for time in (253_402_300_799, 253_402_300_800, 2**63 - 1):
        outcome = GOOD if time < 253_402_300_800 else REJECTED
        yield f"at {time}", outcome, cosign(note.text, "anna.example", WITNESSES["anna"], time)
