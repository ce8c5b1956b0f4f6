"""Takes a new key when it is asked to, and has the old key say so.

The folder of the key says what is true, at every moment and after every crash:

1. `next.pem` is the new key. It counts for nothing yet.
2. `rotation-<n>.dsse` names it, signed by the old key. From here on the new key counts.
3. `next.pem` becomes `key.pem`, and `agent.json` tells of it.

Whoever starts in between goes on (after 2) or drops the new key (before 2).
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from provisioner.agent.signing_key import KEY, Signer, load_signer, make_key, public_half, read_key
from provisioner.core.appraisal.rotation import Rotation, read_rotation
from provisioner.files import remove_unfinished, sync_folder, write_atomically
from provisioner.models.evidence import write_moment

ASKED, NEXT = "rotate", "next.pem"
_STATEMENT = re.compile(r"rotation-([0-9]{1,9})\.dsse").fullmatch


def request_rotation(folder: Path) -> None:
    """Asks the agent whose key is in that folder for a new one. It looks for that all the time."""
    (folder / ASKED).touch()


def open_signer(folder: Path) -> Signer:
    """The one key that counts, after whatever a crash has left behind. Made when missing."""
    remove_unfinished(folder)
    if (folder / NEXT).exists():
        _settle(folder)
    return load_signer(folder)


def rotate_if_asked(folder: Path, signer: Signer, now: datetime) -> Signer:
    """The signer from now on: the same one, unless a new key was asked for."""
    if not (folder / ASKED).exists() and not (folder / NEXT).exists():
        return signer
    current = open_signer(folder)
    if current.public == signer.public and (folder / ASKED).exists():
        _state(folder, current, now)
        return open_signer(folder)
    return current


def list_rotations(folder: Path) -> list[bytes]:
    """Every statement, in the order that they were made in."""
    return [path.read_bytes() for _, path in _list_statements(folder)]


def _state(folder: Path, old: Signer, now: datetime) -> None:
    make_key(folder / NEXT)
    new = public_half(read_key(folder / NEXT), old.public.host_id)
    stated = Rotation(
        old.public.host_id, old.public.keyid, new.keyid, new.public, write_moment(now)
    )
    last = max((number for number, _ in _list_statements(folder)), default=0)
    write_atomically(folder / f"rotation-{last + 1}.dsse", stated.seal(old.key))


def _settle(folder: Path) -> None:
    """Follows the last statement if it names the waiting key, otherwise drops that key."""
    if _is_stated(folder):
        (folder / ASKED).unlink(missing_ok=True)
        (folder / NEXT).replace(folder / KEY)
    else:
        (folder / NEXT).unlink()
    sync_folder(folder)


def _is_stated(folder: Path) -> bool:
    statements = list_rotations(folder)
    old = load_signer(folder).public
    try:
        new = read_rotation(statements[-1], [old])
    except (IndexError, ValueError):
        return False
    return new == public_half(read_key(folder / NEXT), old.host_id)


def _list_statements(folder: Path) -> list[tuple[int, Path]]:
    named = ((_STATEMENT(path.name), path) for path in folder.iterdir())
    return sorted((int(match[1]), path) for match, path in named if match)
