"""The folder of the change that waits for signatures, outside of the public repository.

It holds plain TUF metadata, named as it will be in the repository, so it can be carried to another
machine and signed there. It appears and goes at once, and goes only when everything that it asks
for is done: who was killed in between finds it again.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Targets
from tuf.api.serialization import DeserializationError

from provisioner.errors import KeyRefused, SignaturesMissing
from provisioner.files import remove_unfinished, sync_folder, write_atomically
from provisioner.publishing.keys import ONLINE
from provisioner.publishing.proposal import Proposal, Waiting, list_waiting, refuse_stale
from provisioner.publishing.publisher import Publisher
from provisioner.publishing.repository import State

_NAME = re.compile(r"([1-9][0-9]{0,9})\.([a-z][a-z0-9-]{0,80})\.json")


def find_proposal(publisher: Publisher) -> Proposal | None:
    """What waits, as its files say: no signature is checked yet. Raises KeyRefused."""
    folder = publisher.pending
    if not folder.is_dir():
        return None
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    roles = dict(_read(folder / name) for name in names)
    if len(roles) < len(names):
        raise KeyRefused(reason=f"there are two versions of one role in {folder}")
    return Proposal(roles) if roles else None


def write_proposal(publisher: Publisher, proposal: Proposal) -> None:
    """Put a whole proposal there at once. There must not be one yet."""
    folder = publisher.pending
    remove_leftovers(publisher)
    beside = _beside(publisher, "making")
    beside.mkdir(parents=True, mode=0o700)
    for role, metadata in proposal.roles.items():
        write_atomically(beside / _name_of(role, metadata), metadata.to_bytes())
    beside.rename(folder)  # in place of nothing, or of an empty one: never of what waits
    sync_folder(folder.parent)


def write_signed(publisher: Publisher, role: str, metadata: Metadata[Any]) -> None:
    """Keep one more signature on a role that waits."""
    write_atomically(publisher.pending / _name_of(role, metadata), metadata.to_bytes())


def drop_proposal(publisher: Publisher) -> None:
    """Take it away at once; nothing of it is left to be done."""
    remove_leftovers(publisher)
    gone = _beside(publisher, "done")
    publisher.pending.rename(gone)
    sync_folder(gone.parent)
    shutil.rmtree(gone)


def remove_leftovers(publisher: Publisher) -> None:
    """What a killed run was making or taking away. Only for the holder of the lock."""
    for end in ("making", "done"):
        shutil.rmtree(_beside(publisher, end), ignore_errors=True)
    for folder in (publisher.pending, publisher.ring.home):
        remove_unfinished(folder)


def refuse_waiting(publisher: Publisher, state: State, roles: Sequence[str], now: datetime) -> None:
    """Two changes of one role cannot both be next. Raises SignaturesMissing or KeyRefused."""
    proposal = find_proposal(publisher) if roles else None
    if proposal is not None and set(roles) & set(proposal.roles):
        refuse_stale(state, proposal, now)
        raise missing_signatures(publisher, list_waiting(state, proposal))


def missing_signatures(publisher: Publisher, waiting: Iterable[Waiting]) -> SignaturesMissing:
    """The error that says what a change still waits for."""
    rows = list(waiting)
    return SignaturesMissing(
        role=rows[0].role if rows else "ROLE",
        folder=publisher.pending,
        reason=" ".join(row.explain() for row in rows) or "It is ready to be published.",
    )


def _beside(publisher: Publisher, end: str) -> Path:
    return publisher.pending.with_name(f".{publisher.pending.name}.{end}")


def _name_of(role: str, metadata: Metadata[Any]) -> str:
    return f"{metadata.signed.version}.{role}.json"


def _read(path: Path) -> tuple[str, Metadata[Any]]:
    found = _NAME.fullmatch(path.name)
    if found is None or found[2] in ONLINE:
        raise KeyRefused(reason=f"{path} is not a waiting change")
    try:
        metadata: Metadata[Any] = Metadata.from_bytes(path.read_bytes())
    except (OSError, ValueError, RepositoryError, DeserializationError) as error:
        raise KeyRefused(str(error), reason=f"{path} cannot be read") from error
    kind = Root if found[2] == Root.type else Targets
    if not isinstance(metadata.signed, kind) or metadata.signed.version != int(found[1]):
        raise KeyRefused(reason=f"{path} is not what its name says")
    return found[2], metadata
