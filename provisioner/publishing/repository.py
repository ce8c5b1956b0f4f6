"""The public TUF repository as files: versioned metadata, and targets under their hashes.

Nothing that a client can reach is ever changed in place except `timestamp.json`, which is
replaced last: a reader sees the old state or the new one, whenever the writer is stopped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization import DeserializationError

from provisioner.core.log_entries import entry_of_metadata
from provisioner.core.tlog.entry import Entry
from provisioner.errors import ReleaseRejected
from provisioner.files import locked, write_atomically


@dataclass
class State:
    """What the repository says now, every signature checked from the shipped root on."""

    root: Metadata[Root]
    timestamp: Metadata[Timestamp]
    snapshot: Metadata[Snapshot]
    targets: Metadata[Targets]
    roles: dict[str, Metadata[Targets]]

    def each_role(self) -> Iterator[tuple[str, Metadata[Any], Root | Targets]]:
        """Every role's name, its metadata and who says which keys may sign it."""
        yield "root", self.root, self.root.signed
        yield "targets", self.targets, self.root.signed
        for name, metadata in self.roles.items():
            yield name, metadata, self.targets.signed
        yield "snapshot", self.snapshot, self.root.signed
        yield "timestamp", self.timestamp, self.root.signed

    def get_role(self, name: str) -> tuple[Metadata[Any], Root | Targets]:
        """A role's metadata and its delegator. Raises KeyError."""
        return {role: (metadata, above) for role, metadata, above in self.each_role()}[name]


@dataclass(frozen=True)
class Repository:
    """`metadata/` and `targets/` below one folder."""

    folder: Path

    @property
    def metadata(self) -> Path:
        return self.folder / "metadata"

    @property
    def targets(self) -> Path:
        return self.folder / "targets"

    @property
    def is_begun(self) -> bool:
        """Whether the last file of the first publishing exists. Raises ReleaseRejected when it
        did once: beginning again would look like an attack to everybody who read it."""
        if (self.metadata / "timestamp.json").exists():
            return True
        if (self.metadata / "2.snapshot.json").exists():
            reason = f"timestamp.json is gone from {self.metadata}; put your backup back"
            raise ReleaseRejected(reason=reason)
        return False

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One writer at a time, across processes."""
        with locked(self.folder, part="the release list"):
            yield

    # -- writing -----------------------------------------------------------------------------

    def write_target(self, target: TargetFile, content: bytes) -> None:
        """Keep the bytes of a target under their hash."""
        path = self.targets / target.get_prefixed_paths()[0]
        if not path.exists():
            write_atomically(path, content)

    def write_metadata(self, role: str, metadata: Metadata[Any]) -> bytes:
        """Write one signed file; the timestamp has no version in its name. Returns its bytes."""
        version = "" if role == Timestamp.type else f"{metadata.signed.version}."
        content = metadata.to_bytes()
        write_atomically(self.metadata / f"{version}{role}.json", content)
        return content

    # -- reading -----------------------------------------------------------------------------

    def read_target(self, target: TargetFile) -> bytes:
        """The kept bytes of a target. Raises OSError, or RepositoryError for other bytes."""
        content = (self.targets / target.get_prefixed_paths()[0]).read_bytes()
        target.verify_length_and_hashes(content)
        return content

    def read_state(self, shipped_root: bytes, following: Metadata[Root] | None = None) -> State:
        """Everything that is current, verified but perhaps expired. Raises ReleaseRejected.

        `following` is the next root when that is not written yet.
        """
        try:
            root = self.read_newest_root(shipped_root)
            if following and following.signed.version > root.signed.version:
                root = _follow(root, following)
            return self._read_state(root)
        except (OSError, KeyError, ValueError, RepositoryError, DeserializationError) as error:
            raise ReleaseRejected(str(error), reason=f"its files are damaged ({error})") from error

    def _read_state(self, root: Metadata[Root]) -> State:
        timestamp = Metadata[Timestamp].from_bytes(self._read("timestamp.json"))
        root.signed.verify_delegate("timestamp", timestamp.signed_bytes, timestamp.signatures)
        meta = timestamp.signed.snapshot_meta
        snapshot_bytes = self._read(f"{meta.version}.snapshot.json")
        meta.verify_length_and_hashes(snapshot_bytes)
        snapshot = Metadata[Snapshot].from_bytes(snapshot_bytes)
        root.signed.verify_delegate("snapshot", snapshot.signed_bytes, snapshot.signatures)
        targets = self._read_targets("targets", root.signed, snapshot.signed)
        roles = {
            role: self._read_targets(role, targets.signed, snapshot.signed)
            for role in delegated_roles(targets.signed)
        }
        return State(root, timestamp, snapshot, targets, roles)

    def _read_targets(
        self, role: str, delegator: Root | Targets, snapshot: Snapshot
    ) -> Metadata[Targets]:
        meta = snapshot.meta[f"{role}.json"]
        content = self._read(f"{meta.version}.{role}.json")
        meta.verify_length_and_hashes(content)
        metadata = Metadata[Targets].from_bytes(content)
        delegator.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
        return metadata

    def read_newest_root(self, shipped_root: bytes) -> Metadata[Root]:
        """Follow the chain of roots from the shipped one; each is signed by the one before."""
        root = Metadata[Root].from_bytes(shipped_root)
        root.signed.verify_delegate("root", root.signed_bytes, root.signatures)
        while (path := self.metadata / f"{root.signed.version + 1}.root.json").exists():
            root = _follow(root, Metadata[Root].from_bytes(path.read_bytes()))
        return root

    def list_entries(self, state: State, *, without: Collection[str] = ()) -> list[Entry]:
        """What the log has to hold: every root that is here, and each role but those `without`."""
        roots = (int(path.name.split(".")[0]) for path in self.metadata.glob("*.root.json"))
        roles = [("targets", state.targets), *state.roles.items()]
        files = [("root", version) for version in sorted(roots)]
        files += [(name, role.signed.version) for name, role in roles if name not in without]
        return [entry_of_metadata(r, v, self._read(f"{v}.{r}.json")) for r, v in files]

    def _read(self, name: str) -> bytes:
        return (self.metadata / name).read_bytes()


def _follow(root: Metadata[Root], following: Metadata[Root]) -> Metadata[Root]:
    """The next root, signed by enough keys of the one before and of its own (TUF 5.3)."""
    if following.signed.version != root.signed.version + 1:
        raise ValueError(f"root {following.signed.version} does not follow")
    for delegator in (root.signed, following.signed):
        delegator.verify_delegate("root", following.signed_bytes, following.signatures)
    return following


def delegated_roles(targets: Targets) -> list[str]:
    """Names of the roles that top-level targets delegate to, in their order."""
    delegations = targets.delegations
    return list(delegations.roles) if delegations and delegations.roles else []
