"""One release out of a saved check, verified from a root of trust, with no network and no cache.

What a saved copy cannot show is that nothing newer was published: there is nobody to ask. So the
freshness roles of TUF are not in it, and everything is judged for the moment it was saved.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, TargetFile, Targets
from tuf.api.serialization import DeserializationError

from provisioner.adapters.kept_log import Kept
from provisioner.adapters.log_view import SERVED, LogView, look_at_log
from provisioner.adapters.release_session import describe_entry, refuse_twins_in
from provisioner.core.log_entries import entry_of_metadata
from provisioner.core.log_policy import find_policy
from provisioner.core.tlog.tiles import write_entries
from provisioner.core.versions import sort_versions
from provisioner.errors import ReleaseExpired, ReleaseRejected, ReleaseUnknown
from provisioner.models.log import LogSeen
from provisioner.models.manifest import root_of
from provisioner.models.release import Image, Listing, Release
from provisioner.models.saved_check import ReleaseCopy

BUNDLE = 256


@dataclass(frozen=True)
class SavedReleases:
    """The port `Releases`, as far as one check asks it."""

    copy: ReleaseCopy
    root: bytes
    now: datetime

    @contextmanager
    def open(self) -> Iterator[SavedReleases]:
        """Verify all of it first. Raises ReleaseRejected, ReleaseExpired and those of the log."""
        try:
            self._view.require(entry_of_metadata("root", self._root.version, self._newest_root))
            for role, text in (
                ("targets", self.copy.targets),
                (self.copy.role, self.copy.role_metadata),
            ):
                version = Metadata.from_bytes(text.encode()).signed.version
                self._view.require(entry_of_metadata(role, version, text.encode()))
                self._view.refuse_older({role: version})
            _ = self._role
        except (RepositoryError, DeserializationError, ValueError, KeyError) as error:
            reason = "a part of the saved file is not as it was signed"
            raise ReleaseRejected(str(error), reason=reason) from error
        yield self

    @property
    def log(self) -> LogSeen:
        return self._view.seen

    def list(self, recipe: str, channel: str = "stable") -> list[str]:
        """Versions that its role had signed when this was saved, oldest first."""
        prefix = f"app/{recipe}/{channel}/"
        paths = (path for path in self._role.targets if path.startswith(prefix))
        return sort_versions(p.split("/")[3] for p in paths if p.endswith("/release.json"))

    def get(self, target: str) -> Release:
        if target != self.copy.target:
            raise ReleaseUnknown(name=target)
        content = self.copy.release.encode()
        self._verify(target, content)
        release = Release.from_bytes(content)
        if release.target != target:
            raise ReleaseRejected(reason=f"{target} describes another release, {release.target}")
        return release

    def describe(self, target: str) -> Listing:
        threshold = self._targets.get_delegated_role(self.copy.role).threshold
        return describe_entry(self._entry(target), is_self_built=threshold < 2)

    def get_manifest(self, image: Image) -> bytes:
        for text in self.copy.manifests.values():
            if root_of(text.encode()) == image.files_root:
                return text.encode()
        raise ReleaseRejected(reason="a file list is not the one that its release names")

    @cached_property
    def _newest_root(self) -> bytes:
        return self.copy.roots[-1].encode() if self.copy.roots else self.root

    @cached_property
    def _root(self) -> Root:
        """Each root is signed by the one before and by itself (TUF specification §5.3)."""
        trusted = Metadata[Root].from_bytes(self.root).signed
        for text in self.copy.roots:
            following = Metadata[Root].from_bytes(text.encode())
            if following.signed.version != trusted.version + 1:
                raise ValueError("a root is missing")
            for signer in (trusted, following.signed):
                signer.verify_delegate("root", following.signed_bytes, following.signatures)
            trusted = following.signed
        self._refuse_expired(trusted)
        refuse_twins_in(trusted.keys)
        return trusted

    @cached_property
    def _targets(self) -> Targets:
        metadata = Metadata[Targets].from_bytes(self.copy.targets.encode())
        self._root.verify_delegate("targets", metadata.signed_bytes, metadata.signatures)
        self._refuse_expired(metadata.signed)
        refuse_twins_in(metadata.signed.delegations.keys if metadata.signed.delegations else {})
        return metadata.signed

    @cached_property
    def _role(self) -> Targets:
        metadata = Metadata[Targets].from_bytes(self.copy.role_metadata.encode())
        role = self.copy.role
        self._targets.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
        delegations = self._targets.delegations
        allowed = delegations.get_roles_for_target(self.copy.target) if delegations else ()
        if role not in (name for name, _ in allowed):
            raise ValueError("its role may not sign for it")
        self._refuse_expired(metadata.signed)
        return metadata.signed

    @cached_property
    def _view(self) -> LogView:
        policy = find_policy(self._root.unrecognized_fields)
        with TemporaryDirectory() as nothing:
            return look_at_log(self._read_log, policy, Kept(Path(nothing)), self.now, SERVED)

    def _read_log(self, path: str, _: int) -> bytes:
        if path == SERVED:
            return self.copy.checkpoint.encode()
        lines = [line.encode() for line in self.copy.entries]
        number = int("".join(part.lstrip("x") for part in path.partition(".p/")[0].split("/")[2:]))
        return write_entries(lines[number * BUNDLE : (number + 1) * BUNDLE])

    def _entry(self, target: str) -> TargetFile:
        if target not in self._role.targets:
            raise ReleaseUnknown(name=target)
        return self._role.targets[target]

    def _verify(self, target: str, content: bytes) -> None:
        wanted = self._entry(target).hashes.get("sha256")
        if hashlib.sha256(content).hexdigest() != wanted:
            raise ReleaseRejected(reason=f"{target} is not the one that was signed")

    def _refuse_expired(self, signed: Root | Targets) -> None:
        if signed.is_expired(self.now):
            raise ReleaseExpired(reason=f"{signed.type} was signed until {signed.expires}")
