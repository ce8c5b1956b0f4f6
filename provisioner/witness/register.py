"""`witness.json`: the witness's name and the logs that it watches, kept from start to start."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from provisioner.core.appraisal.strict_json import build, read_json
from provisioner.core.tlog.note import ED25519, NoteKey, check_name, read_vkey, write_vkey
from provisioner.errors import SettingWrong
from provisioner.files import write_atomically

FILE = "witness.json"


@dataclass(frozen=True)
class Register:
    """`logs` holds the known key(s) of each log, whose name is its origin."""

    name: str
    logs: tuple[NoteKey, ...]


@dataclass(frozen=True)
class _Kept:
    name: str
    logs: tuple[str, ...]


def open_register(folder: Path, *, name: str = "", logs: Iterable[str] = ()) -> Register:
    """What is kept in `folder`, with these verifier keys added, and written back.

    Raises SettingWrong for a key that is none, without a name at the first start, and for another
    name than the one that is kept: one key must not sign under two (C2SP tlog-cosignature).
    """
    kept = _read(folder / FILE)
    if kept and name not in ("", kept.name):
        raise SettingWrong(name="--name", reason=f"this witness is called {kept.name}")
    if not kept and not name:
        raise SettingWrong(name="--name", reason="a new witness needs a name")
    _check(kept.name if kept else name)
    known = kept.logs if kept else ()
    register = Register(kept.name if kept else name, _read_keys((*known, *logs)))
    content = {"name": register.name, "logs": [write_vkey(key) for key in register.logs]}
    write_atomically(folder / FILE, json.dumps(content, indent=1).encode() + b"\n")
    return register


def _read(path: Path) -> _Kept | None:
    if not path.exists():
        return None
    try:
        return build(_Kept, read_json(path.read_bytes()))
    except ValueError as error:
        raise SettingWrong(str(error), name=str(path), reason=str(error)) from error


def _check(name: str) -> None:
    try:
        check_name(name)
    except ValueError as error:
        raise SettingWrong(name, name="--name", reason=str(error)) from error


def _read_keys(vkeys: Iterable[str]) -> tuple[NoteKey, ...]:
    keys: list[NoteKey] = []
    for vkey in vkeys:
        try:
            key = read_vkey(vkey)
        except ValueError as error:
            raise SettingWrong(vkey, name="--log", reason=str(error)) from error
        if key.algorithm != ED25519:
            raise SettingWrong(vkey, name="--log", reason="not a key of a log")
        keys.append(key)
    return tuple(dict.fromkeys(keys))
