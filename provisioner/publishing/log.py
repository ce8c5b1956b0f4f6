"""The publisher's public log: entries are only ever added, and what is served is replaced last.

The folder is served as it is (C2SP tlog-tiles). `sequenced` is the newest checkpoint that this
log has signed; `checkpoint` is the newest one that enough witnesses have cosigned too, and `next`
is its successor while something is being published. What was
sequenced is never taken back, whatever happens afterwards: a witness may have seen it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioner.core.log_entries import list_rivals
from provisioner.core.tlog.checkpoint import Checkpoint, open_checkpoint, write_checkpoint
from provisioner.core.tlog.entry import Entry, read_entry, write_entry
from provisioner.core.tlog.merkle import EMPTY_ROOT, hash_leaf, root_of
from provisioner.core.tlog.note import Note, NoteKey, read_note, sign_note, write_note
from provisioner.core.tlog.policy import Policy
from provisioner.core.tlog.proof import Proof, write_proof
from provisioner.core.tlog.tiles import (
    TileReader,
    path_of_entries,
    plan_bundles,
    read_entries,
    write_entries,
)
from provisioner.errors import KeyMissing, KeyRefused, PublishingUnfinished, ReleaseRejected
from provisioner.files import sync_folder, write_atomically

BUNDLE = 256
KEY_FILE = "log-1.pem"

# (signed checkpoint, policy, proof that an older size is a prefix of it) → the same with the
# cosignatures of a quorum. Raises WitnessesMissing when too few answered.
Cosign = Callable[[bytes, Policy, Callable[[int], tuple[bytes, ...]]], bytes]


@dataclass(frozen=True)
class Log:
    """One log. The caller holds the lock of the release folder.

    Only who sequences needs the key; fetching fresh cosignatures does without. While the log
    takes a new one there are two in `privates`, and both sign.
    """

    folder: Path
    policy: Policy
    privates: tuple[Ed25519PrivateKey, ...] = ()

    @property
    def key(self) -> NoteKey:
        return self.policy.logs[0].key

    # -- reading -----------------------------------------------------------------------------

    def read_sequenced(self) -> tuple[Checkpoint, bytes]:
        """The newest checkpoint that was signed here. Raises ReleaseRejected."""
        path = self.folder / "sequenced"
        if not path.exists():
            return Checkpoint(self.key.name, 0, EMPTY_ROOT), b""
        try:
            raw = path.read_bytes()
            return open_checkpoint(raw, self.key)[0], raw
        except (OSError, ValueError) as error:
            raise ReleaseRejected(str(error), reason=f"the log {path} is damaged") from error

    def read_served(self) -> Note | None:
        """The checkpoint that is served, with its signatures as they are; None before the first.

        Raises ReleaseRejected for a damaged one. It is a copy: without it, it is made anew.
        """
        path = self.folder / "checkpoint"
        try:
            return read_note(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            reason = (
                f"the log {path} is damaged. Put your backup back, or take this one file away and"
                " publish again"
            )
            raise ReleaseRejected(str(error), reason=reason) from error

    @property
    def is_published(self) -> bool:
        """Whether the checkpoint that is served is the sequenced one. Raises ReleaseRejected."""
        served, (sequenced, _) = self.read_served(), self.read_sequenced()
        return served is not None and served.text == write_checkpoint(sequenced)

    def list_entries(self) -> list[Entry]:
        """Every entry, the oldest first. Raises ReleaseRejected."""
        return [self._understand(raw) for raw in self._list_raw(self.read_sequenced()[0].size)]

    def prove_consistency(self, old_size: int) -> tuple[bytes, ...]:
        """That the tree of `old_size` leaves is a prefix of the sequenced one."""
        return self._tree(self.read_sequenced()[0].size).consistency(old_size)

    def prove(self, entry: Entry, checkpoint: bytes) -> bytes:
        """A tlog-proof file of an entry under a checkpoint of this log. Raises LookupError."""
        size = open_checkpoint(checkpoint, self.key)[0].size
        index = self._list_raw(size).index(write_entry(entry))
        return write_proof(Proof(index, self._tree(size).inclusion(index), checkpoint, None))

    # -- writing -----------------------------------------------------------------------------

    def append(self, entries: Iterable[Entry]) -> bytes:
        """Sequence the entries that are not there yet. Returns the newest signed checkpoint.

        Tiles and bundles are written first, so a crash leaves the old checkpoint or the new one.
        """
        before, raw = self.read_sequenced()
        known = set(all_raw := self._list_raw(before.size))
        new = [each for each in dict.fromkeys(map(write_entry, entries)) if each not in known]
        if raw and not new:
            return raw
        self._require_whole(before, all_raw)
        everything = all_raw + new
        for path, content in self._tree(before.size).append(list(map(hash_leaf, new))).items():
            write_atomically(self.folder / path, content)
        for path, indexes in plan_bundles(before.size, len(everything)).items():
            bundle = write_entries([everything[index] for index in indexes])
            write_atomically(self.folder / path, bundle)
        return self._sequence(len(everything))

    def refuse_rivals(self, entries: Iterable[Entry]) -> None:
        """Raises KeyRefused for a metadata file that is logged with other content already.

        Both would be signed, and everybody would have to say that the log told two stories.
        """
        if rivals := list_rivals([*self.list_entries(), *entries]):
            reason = (
                f"{rivals[0]} was logged with other content before. Put the file with that content"
                " back, into `pending` beside the keys or into the release folder"
            )
            raise KeyRefused(reason=reason)

    def publish(self, cosign: Cosign) -> bytes:
        """Have the sequenced checkpoint cosigned; `serve` shows it. Raises WitnessesMissing."""
        cosigned = cosign(self.read_sequenced()[1], self.policy, self.prove_consistency)
        write_atomically(self.folder / "next", cosigned)
        return cosigned

    def try_cosign(self, cosign: Cosign) -> None:
        """Ask the witnesses of this policy, and change nothing. Raises WitnessesMissing."""
        cosign(self.read_sequenced()[1], self.policy, self.prove_consistency)

    def serve(self) -> None:
        """Show the newest cosigned checkpoint, once what it logs can be seen too."""
        following = self.folder / "next"
        if following.exists():
            following.replace(self.folder / "checkpoint")
            sync_folder(self.folder)

    def write_proofs(self, entries: Mapping[str, Entry]) -> None:
        """`proof/<name>.tlog-proof` of each entry, under the checkpoint that is served."""
        checkpoint = (self.folder / "checkpoint").read_bytes()
        for name, entry in entries.items():
            path, proof = (
                self.folder / "proof" / f"{name}.tlog-proof",
                self.prove(entry, checkpoint),
            )
            if not path.is_file() or path.read_bytes() != proof:
                write_atomically(path, proof)

    def _sequence(self, size: int) -> bytes:
        text = write_checkpoint(Checkpoint(self.key.name, size, self._tree(size).root()))
        signed = self.sign(text)
        write_atomically(self.folder / "sequenced", signed)
        return signed

    def sign(self, text: str) -> bytes:
        """The note of a checkpoint's text with the signatures of all keys that are here, the one
        that the policy names first. Raises KeyMissing without that one."""
        self.require_key()
        made = [sign_note(text, self.key.name, private) for private in self.privates]
        made.sort(key=lambda each: each.key_id != self.key.key_id)
        return write_note(Note(text, tuple(made)))

    def require_key(self) -> None:
        """Raises KeyMissing unless the key that the policy names is here."""
        if self.key.public not in (p.public_key().public_bytes_raw() for p in self.privates):
            raise KeyMissing(role="log", needed=1, found=0, missing=KEY_FILE, folders="the keys")

    def sign_anew(self, cosign: Cosign) -> None:
        """Have every key that is here sign the newest checkpoint, and show that.

        Raises WitnessesMissing, and PublishingUnfinished while that may not be shown.
        """
        if not self.is_published:
            raise PublishingUnfinished
        text = read_note(self.read_sequenced()[1]).text
        write_atomically(self.folder / "sequenced", self.sign(text))
        self.publish(cosign)
        self.serve()

    def _require_whole(self, before: Checkpoint, all_raw: list[bytes]) -> None:
        """Only what was signed before is signed again. Raises ReleaseRejected for other tiles."""
        hashed = root_of(list(map(hash_leaf, all_raw)))
        try:
            is_whole = hashed == self._tree(before.size).root() == before.root
        except (OSError, ValueError) as error:
            raise ReleaseRejected(str(error), reason=f"the log {self.folder} is damaged") from error
        if not is_whole:
            reason = f"the log {self.folder} is not the one that was signed; put your backup back"
            raise ReleaseRejected(reason=reason)

    def _tree(self, size: int) -> TileReader:
        return TileReader(size, lambda path: (self.folder / path).read_bytes())

    def _list_raw(self, size: int) -> list[bytes]:
        found: list[bytes] = []
        for index in range(-(-size // BUNDLE)):
            width = min(BUNDLE, size - index * BUNDLE)
            path = self.folder / path_of_entries(index, width)
            try:
                found += read_entries(path.read_bytes())
            except (OSError, ValueError) as error:
                raise ReleaseRejected(str(error), reason=f"the log {path} is damaged") from error
        return found

    def _understand(self, raw: bytes) -> Entry:
        try:
            return read_entry(raw)
        except ValueError as error:
            raise ReleaseRejected(str(error), reason="the log holds a strange entry") from error
