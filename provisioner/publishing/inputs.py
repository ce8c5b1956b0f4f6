"""Chooses and fetches the Debian packages and wheels of an image, from the cellar when it can.

What was chosen is noted under its lock's digest, so that the next build makes the same image
without asking the archive again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from provisioner.publishing.cellar import Cellar
from provisioner.publishing.debian import open_archive
from provisioner.publishing.packages import Choice, Input, choose, read_lock
from provisioner.publishing.wheels import Pin, fetch_wheels, read_pins, wheel_input


class Chosen(NamedTuple):
    """Inputs and, in the same order, the files that hold them."""

    inputs: tuple[Input, ...]
    files: tuple[Path, ...]


NOTHING = Chosen((), ())


def choose_packages(
    cellar: Cellar, lock: Path, *, say: Callable[[str], None], is_strict: bool
) -> Chosen:
    """The Debian packages of a lock. Says so, or raises ValueError, when one was replaced."""
    if not lock.exists():
        return NOTHING
    locked = read_lock(lock.read_text())
    note = _note_name("packages", lock.read_bytes())
    known = _find_noted(cellar, note) or _find_all(cellar, locked)
    chosen = known or _download_packages(cellar, locked)
    for old, new in zip(locked, chosen.inputs, strict=True):
        if old != new:
            say(f"WARNING: Debian replaced {old.name} {old.version} by {new.version}: using that")
            if is_strict:
                raise ValueError(f"{old.name} {old.version} is locked but not offered any more")
    _write_note(cellar, note, chosen.inputs)
    return chosen


def choose_wheels(cellar: Cellar, lock: Path, without: Sequence[str]) -> Chosen:
    """The wheels of a hash-locked requirements file."""
    pins = read_pins(lock.read_text(), without)
    note = _note_name("wheels", "".join(pin.line() for pin in pins).encode())
    chosen = _find_noted(cellar, note) or _download_wheels(cellar, pins)
    _write_note(cellar, note, chosen.inputs)
    return chosen


def resolve_packages(cellar: Cellar, names: Iterable[str]) -> tuple[Input, ...]:
    """The newest version of each name that Debian offers now: what a new lock should hold."""
    with open_archive(cellar.scratch) as archive:
        offered = archive.offers(names)
    return tuple(versions[0] for versions in offered.values())


def _download_packages(cellar: Cellar, locked: Sequence[Input]) -> Chosen:
    with (
        open_archive(cellar.scratch) as archive,
        TemporaryDirectory(dir=cellar.scratch) as scratch,
    ):
        choice: Choice = choose(locked, archive.offers(package.name for package in locked))
        missing = [package for package in choice.packages if not cellar.find(package.sha256)]
        if missing:
            archive.download(missing, Path(scratch))
        for deb in Path(scratch).glob("*.deb"):
            cellar.keep(deb)
    found = _find_all(cellar, choice.packages)
    if found is None:
        raise ValueError("the archive sent other bytes than its index says")
    return found


def _download_wheels(cellar: Cellar, pins: Sequence[Pin]) -> Chosen:
    inputs = []
    with TemporaryDirectory(dir=cellar.scratch) as scratch:
        fetch_wheels(pins, Path(scratch))
        for wheel in sorted(Path(scratch).glob("*.whl")):
            inputs.append(wheel_input(wheel, cellar.keep(wheel)))
    allowed = {sha256 for pin in pins for sha256 in pin.hashes}
    found = _find_all(cellar, [one for one in inputs if one.sha256 in allowed])
    if found is None or len(found.inputs) != len(pins):
        raise ValueError("not every locked wheel could be fetched")
    return found


def _find_all(cellar: Cellar, inputs: Sequence[Input]) -> Chosen | None:
    files = [cellar.find(one.sha256) for one in inputs]
    whole = tuple(file for file in files if file)
    return Chosen(tuple(inputs), whole) if len(whole) == len(files) else None


def _find_noted(cellar: Cellar, note: str) -> Chosen | None:
    text = cellar.find_note(note)
    if text is None:
        return None
    try:
        return _find_all(cellar, [Input(*fields) for fields in json.loads(text)])
    except (ValueError, TypeError):
        return None


def _write_note(cellar: Cellar, note: str, inputs: Sequence[Input]) -> None:
    text = json.dumps(inputs, indent=1).encode()
    if cellar.find_note(note) != text:
        cellar.write_note(note, text)


def _note_name(kind: str, content: bytes) -> str:
    return f"{kind}-{hashlib.sha256(content).hexdigest()[:32]}.json"
