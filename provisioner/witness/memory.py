"""What a witness knows of one log, on the disk: the latest tree that it cosigned, and others.

    logs/<SHA-256 of the origin>/latest          the checkpoint that was cosigned last
    logs/<SHA-256 of the origin>/seen/<size>     the first one of a size that the log signed
    equivocation/<the same>/<size>/<root>        two or more of one size with different roots

All files are signed checkpoints, byte for byte as they came.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from provisioner.core.tlog.checkpoint import Checkpoint, read_checkpoint
from provisioner.core.tlog.note import read_note
from provisioner.errors import WitnessMemoryBroken
from provisioner.files import locked, remove_unfinished, sync_folder, write_atomically

MOST_SEEN = 1000  # checkpoints of each log, those of the largest trees
MOST_CONFLICTS = 16  # sizes of each log that are kept with two roots: one would be enough
_ROOTS = 2
LOCK_SECONDS = 5.0


@dataclass(frozen=True)
class Conflict:
    """Signed checkpoints of one log and one size, each with another root."""

    origin: str
    size: int
    checkpoints: tuple[str, ...]


class LogMemory:
    """The memory of one log. Only its holder may change it: `with memory.held():`.

    Its folders are made and on the disk before anything is cosigned, because one that was lost
    in a power cut would look like a log that was never seen.
    """

    def __init__(self, folder: Path, origin: str) -> None:
        mark = hashlib.sha256(origin.encode()).hexdigest()
        self._origin = origin
        self._home = folder / "logs" / mark
        self._conflicts = folder / "equivocation" / mark
        (self._home / "seen").mkdir(parents=True, exist_ok=True)
        for each in (self._home, self._home.parent, folder, folder.absolute().parent):
            sync_folder(each)
        with self.held():
            remove_unfinished(self._home)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Alone, across threads and processes. Raises Unavailable when it stays taken."""
        with locked(self._home, part=f"the log {self._origin}", seconds=LOCK_SECONDS):
            yield

    def find_latest(self) -> Checkpoint | None:
        """The checkpoint that was cosigned last; None if there was none.

        Raises WitnessMemoryBroken: what cannot be read is not the same as nothing.
        """
        path = self._home / "latest"
        return self._read(path) if path.exists() else None

    def record_latest(self, raw: bytes) -> None:
        """It is on the disk when this returns. Raises NotEnoughRoom, and nothing changed then."""
        write_atomically(self._home / "latest", raw)

    def record_seen(self, raw: bytes, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint that the log signed, and both if it signed another of this size."""
        known = self._find_seen(checkpoint.size)
        if known is None:
            self._remember(raw, checkpoint.size)
        elif (other := self._read(known)).root != checkpoint.root:
            self._record_conflict(known.read_bytes(), other)
            self._record_conflict(raw, checkpoint)

    def _find_seen(self, size: int) -> Path | None:
        path = self._home / "seen" / str(size)
        if path.exists():
            return path
        latest = self.find_latest()
        return self._home / "latest" if latest and latest.size == size else None

    def _record_conflict(self, raw: bytes, checkpoint: Checkpoint) -> None:
        home = self._conflicts / str(checkpoint.size)
        path = home / checkpoint.root.hex()
        is_full = len(_list(self._conflicts)) >= MOST_CONFLICTS and not home.exists()
        if not path.exists() and not is_full and len(_list(home)) < _ROOTS:
            write_atomically(path, raw)

    def _remember(self, raw: bytes, size: int) -> None:
        """A tree that is smaller than all that are remembered is too old to be."""
        folder = self._home / "seen"
        sizes = sorted(int(path.name) for path in _list(folder))
        if len(sizes) >= MOST_SEEN and size < sizes[0]:
            return
        write_atomically(folder / str(size), raw)
        for smallest in sizes[: max(0, len(sizes) + 1 - MOST_SEEN)]:
            (folder / str(smallest)).unlink()

    def _read(self, path: Path) -> Checkpoint:
        try:
            found = read_checkpoint(read_note(path.read_bytes()).text)
        except (OSError, ValueError) as error:
            raise WitnessMemoryBroken(str(error), path=str(path), origin=self._origin) from error
        if found.origin != self._origin:
            raise WitnessMemoryBroken("another log's", path=str(path), origin=self._origin)
        return found


def list_conflicts(folder: Path) -> list[Conflict]:
    """Every size of every log of which there is more than one tree."""
    homes = sorted(folder.glob("equivocation/*/*"))
    return [found for home in homes if len((found := _read_conflict(home)).checkpoints) > 1]


def _read_conflict(home: Path) -> Conflict:
    checkpoints = tuple(path.read_bytes().decode() for path in sorted(_list(home)))
    origin = checkpoints[0].partition("\n")[0] if checkpoints else ""
    return Conflict(origin, int(home.name), checkpoints)


def _list(folder: Path) -> list[Path]:
    """The files that were finished; none of a folder that is not there."""
    return [each for each in folder.glob("*") if not each.name.startswith(".")]
