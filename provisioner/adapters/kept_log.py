"""What a reader remembers of the public log, so that it notices when the log forgets something."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from provisioner.core.tlog.checkpoint import Checkpoint, open_checkpoint
from provisioner.core.tlog.division import Division
from provisioner.core.tlog.note import NoteKey
from provisioner.files import write_atomically


@dataclass(frozen=True)
class Kept:
    """A folder of the reader's own. Nothing in it is believed without its signature or hash."""

    folder: Path
    former: tuple[NoteKey, ...] = ()  # keys that the log had before

    def find_checkpoint(self, key: NoteKey) -> Checkpoint | None:
        """The last one that was accepted; None when there is none, or it was damaged.

        What is remembered was good when an earlier key of the log signed it, so it is not
        forgotten when the log takes a new one.
        """
        for each in (key, *self.former):
            with suppress(OSError, ValueError):
                return open_checkpoint((self.folder / "checkpoint").read_bytes(), each)[0]
        return None

    def read_checkpoint(self) -> bytes:
        """That checkpoint as it was served. Raises OSError."""
        return (self.folder / "checkpoint").read_bytes()

    def list_lines(self) -> list[bytes]:
        """The entries below that checkpoint, each a line."""
        try:
            return (self.folder / "entries").read_bytes().splitlines(keepends=True)
        except OSError:
            return []

    def keep(self, checkpoint: bytes, lines: list[bytes]) -> None:
        """Entries first: with an older checkpoint they are merely more than enough."""
        self._write("entries", b"".join(lines))
        self._write("checkpoint", checkpoint)

    def keep_divided(self, other: bytes) -> Path:
        """Keep both of two checkpoints that cannot both be true. Returns where."""
        folder = self.folder / "divided"
        write_atomically(folder / "seen-before", (self.folder / "checkpoint").read_bytes())
        write_atomically(folder / "seen-now", other)
        return folder

    def keep_shown(self, division: Division) -> Path:
        """Keep both checkpoints that somebody showed us of one size. Returns where."""
        folder = self.folder / "divided" / f"shown-{division.size}"
        write_atomically(folder / "one", division.one)
        write_atomically(folder / "other", division.other)
        return folder

    def _write(self, name: str, content: bytes) -> None:
        path = self.folder / name
        if not path.is_file() or path.read_bytes() != content:
            write_atomically(path, content)
