"""Takes a new key when it is asked to: the old key says so, and counts until that is published.

The folder of the key says what is true, at every moment and after every crash:

1. `next.pem` is the new key. It counts for nothing yet.
2. `rotation-<n>.dsse` names it, signed by the old key. From here on both keys sign every report, so
   that one of them is right whichever of the two a reader knows of.
3. The control plane has logged and listed the new key. `next.pem` becomes `key.pem`, and
   `agent.json` tells of it; the old key signs nothing any more.

Whoever starts in between goes on (after 2) or drops the new key (before 2).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from provisioner.agent.signing_key import KEY, Signer, load_signer, make_key, public_half, read_key
from provisioner.core.appraisal.agents import AgentKey
from provisioner.core.appraisal.rotation import Rotation, read_rotation
from provisioner.files import remove_unfinished, sync_folder, write_atomically
from provisioner.models.evidence import write_moment

ASKED, NEXT = "rotate", "next.pem"
_STATEMENT = re.compile(r"rotation-([0-9]{1,9})\.dsse").fullmatch


@dataclass(frozen=True)
class Signers:
    """The key that counts, and the one that waits to be published, if any."""

    current: Signer
    waiting: Signer | None = None

    def is_same(self, other: Signers) -> bool:
        """Whether these are the same keys."""
        return self._publics == other._publics

    @property
    def _publics(self) -> tuple[AgentKey | None, ...]:
        return self.current.public, self.waiting.public if self.waiting else None


def request_rotation(folder: Path) -> None:
    """Asks the agent whose key is in that folder for a new one. It looks for that all the time."""
    (folder / ASKED).touch()


def is_requested(folder: Path) -> bool:
    """Whether the agent still has to answer, by signing with a new key beside the old one."""
    return (folder / ASKED).exists()


def confirm_rotation(folder: Path) -> None:
    """The agent says that all its reports bear the new key's signature too."""
    (folder / ASKED).unlink(missing_ok=True)


def open_signers(folder: Path) -> Signers:
    """The keys that sign, after whatever a crash has left behind. Made when missing."""
    remove_unfinished(folder)
    current = load_signer(folder)
    if not (folder / NEXT).exists():
        return Signers(current)
    waiting = public_half(read_key(folder / NEXT), current.public.host_id)
    if _is_stated(folder, current.public, waiting):
        return Signers(current, Signer(read_key(folder / NEXT), waiting))
    (folder / NEXT).unlink()
    sync_folder(folder)
    return Signers(current)


def advance_rotation(
    folder: Path, signers: Signers, now: datetime, is_listed: Callable[[AgentKey], bool]
) -> Signers:
    """The signers from now on: the same ones, unless a new key was asked for or published."""
    if signers.waiting and not is_listed(signers.waiting.public):
        return signers
    if not is_requested(folder) and not (folder / NEXT).exists():
        return signers
    found = open_signers(folder)
    if found.waiting and is_listed(found.waiting.public):
        (folder / NEXT).replace(folder / KEY)
        sync_folder(folder)
        return open_signers(folder)
    if found.waiting is None and is_requested(folder):
        _state(folder, found.current, now)
        return open_signers(folder)
    return found


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


def _is_stated(folder: Path, old: AgentKey, new: AgentKey) -> bool:
    """Whether the last statement leads from one to the other."""
    try:
        return read_rotation(list_rotations(folder)[-1], [old]) == new
    except (IndexError, ValueError):
        return False


def _list_statements(folder: Path) -> list[tuple[int, Path]]:
    paths = folder.iterdir() if folder.is_dir() else ()
    named = ((_STATEMENT(path.name), path) for path in paths)
    return sorted((int(match[1]), path) for match, path in named if match)
