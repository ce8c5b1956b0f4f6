"""Key files after a change: a new key takes its place, an old one is kept under another name.

Nothing is ever erased here. `root-1.pem` becomes `root-1.pem.<id>.retired`, which nobody looks
for; the operator removes it when she likes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from securesystemslib.signer import Key, SSlibKey
from tuf.api.metadata import Root, Targets

from provisioner.core.tlog.note import NoteKey
from provisioner.errors import KeyRefused
from provisioner.files import sync_folder, write_atomically
from provisioner.publishing.delegation import keys_of, list_retired
from provisioner.publishing.keys import (
    LOG,
    NEXT,
    KeyRing,
    file_of,
    name_key,
    name_of,
    read_private,
    value_of,
)

RETIRED = ".retired"


def put_keys_in_place(ring: KeyRing, delegators: Iterable[Root | Targets]) -> None:
    """Bring the files in line with what is published now. Running it again changes nothing."""
    for delegator in delegators:
        for key in keys_of(delegator).values():
            _adopt(ring, key)
        for value, name in list_retired(delegator).items():
            _retire(ring, str(name), value)


def put_log_key_in_place(ring: KeyRing, log: NoteKey) -> None:
    """The same for the key of the log, which no role of TUF has."""
    public = Ed25519PublicKey.from_public_bytes(log.public)
    _adopt(ring, name_key(SSlibKey.from_crypto(public), name_of(LOG, 1)))


def _adopt(ring: KeyRing, key: Key) -> None:
    """Give a new key the name that the metadata knows; the old one is copied away first."""
    name = file_of(key)
    made = ring.find_file(name + NEXT) if name else None
    if made is None or _read_value(made) != value_of(key):
        return
    place = made.with_name(name)
    if place.exists():
        _copy_away(place, unless=value_of(key))
        _write_in_place(place, made.read_bytes())
    else:
        write_atomically(place, made.read_bytes(), mode=0o600)
        ring.give_online(place, name.rpartition("-")[0])
    made.unlink()


def _retire(ring: KeyRing, name: str, value: str) -> None:
    for folder in ring.folders:
        place = folder / Path(name).name
        if name and place.is_file() and _read_value(place) == value:
            place.rename(_retired_name(place))
            sync_folder(folder)


def _copy_away(place: Path, *, unless: str) -> None:
    if _read_value(place) not in ("", unless):
        write_atomically(_retired_name(place), place.read_bytes(), mode=0o600)


def _write_in_place(place: Path, content: bytes) -> None:
    """Into the same file: a running worker has this very one mounted, not its name.

    Both keys are safe beside it meanwhile, and their files have one length.
    """
    with place.open("r+b") as file:
        file.write(content)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())


def _retired_name(place: Path) -> Path:
    keyid = SSlibKey.from_crypto(read_private(place).public_key()).keyid
    return place.with_name(f"{place.name}.{keyid[:8]}{RETIRED}")


def _read_value(place: Path) -> str:
    """The public value of a key file, or "" when it holds no key of ours."""
    with suppress(KeyRefused):
        return value_of(SSlibKey.from_crypto(read_private(place).public_key()))
    return ""
