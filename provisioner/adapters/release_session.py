"""One conversation with a TUF repository: one refresh, then lookups in that one state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import quote

from tuf.api.metadata import Key, Metadata, Root, Snapshot, TargetFile, Targets
from tuf.ngclient import Updater, UpdaterConfig

from provisioner.adapters.kept_log import Kept
from provisioner.adapters.log_view import LogView, Read, find_view, look_at_log
from provisioner.adapters.release_errors import translated
from provisioner.adapters.release_sources import Deadline, Source
from provisioner.core.log_entries import entry_of_metadata
from provisioner.core.log_policy import find_former_keys, find_policy
from provisioner.core.tuf_keys import is_well_written
from provisioner.core.versions import sort_versions
from provisioner.errors import ReleaseRejected, ReleaseUnknown
from provisioner.models.release import BUILDER_FIELD, Listing

CONFIG = UpdaterConfig(max_delegations=256)


class Session:
    """Lookups in one verified state. Only valid inside `open_session`."""

    def __init__(self, updater: Updater, cache: Path, shipped: int) -> None:
        self._updater = updater
        self._cache = cache
        self._shipped = shipped  # version of the root that the reader came with
        self._log: LogView | None = None

    @property
    def log(self) -> LogView:
        """What `check_log` saw."""
        if self._log is None:
            raise LookupError("the log was not looked at")
        return self._log

    def check_log(self, read: Read, now: datetime) -> None:
        """Look at the log that the root names, and refuse what it does not have.

        A role that is used later is held against the same view. Raises ReleaseUnlogged,
        ReleaseRejected, LogDivided or WitnessesMissing.
        """
        try:
            fields = self._read_root().unrecognized_fields
            policy, kept = find_policy(fields), Kept(self._cache / "log", find_former_keys(fields))
        except ValueError as error:
            raise ReleaseRejected(str(error), reason=str(error)) from error
        meta = self._read_snapshot().meta
        versions = {name.removesuffix(".json"): each.version for name, each in meta.items()}
        look = partial(look_at_log, read, policy, kept, now)
        root = self._read_root().version
        self._log = find_view(look, {**versions, "root": root})
        # a new root is written last, and only then is the log served that has it
        self._log.refuse_older({**versions, "root": root} if self._log.is_served else versions)
        self._require_logged("root", root)
        self._require_logged("targets", versions["targets"])

    def list_versions(self, recipe: str, channel: str) -> list[str]:
        """Oldest first."""
        prefix = f"app/{recipe}/{channel}/"
        probe = f"{prefix}0.0.0/release.json"
        self._updater.get_targetinfo(probe)  # loads every role that may sign for such a path
        for role in self._roles_for(probe):
            self._require_logged(role, self._get_version(role))
        paths = {
            path
            for role in self._roles_for(probe)
            for path in self._read_targets(role).targets
            if path.startswith(prefix) and path.endswith("/release.json")
        }
        try:
            return sort_versions(path.split("/")[3] for path in paths)
        except ValueError as error:
            reason = f"a release of {recipe} has a strange version"
            raise ReleaseRejected(str(error), reason=reason) from error

    def describe(self, target: str) -> Listing:
        return describe_entry(self._get_entry(target), is_self_built=self._is_self_built(target))

    def find_builder(self, target: str) -> str:
        """Base64 of the public key that signed a provenance, as its signed entry says, or ""."""
        return str(self._get_entry(target).unrecognized_fields.get(BUILDER_FIELD, ""))

    def get_content(self, target: str, limit: int) -> bytes:
        """The verified bytes of a target of at most `limit` bytes."""
        entry = self._get_entry(target)
        if entry.length > limit:
            raise ReleaseRejected(reason=f"{target} is larger than it may be")
        kept = self._updater.find_cached_target(entry) or self._updater.download_target(entry)
        content = Path(kept).read_bytes()
        entry.verify_length_and_hashes(content)
        return content

    def refuse_twins(self) -> None:
        """Two key ids with one value would count twice: such metadata is not used at all."""
        delegations = self._read_targets("targets").delegations
        refuse_twins_in(self._read_root().keys)
        refuse_twins_in(delegations.keys if delegations else {})

    def copy(self, target: str, limit: int) -> tuple[tuple[str, ...], str, str, str, str]:
        """(roots after the shipped one, targets, role, the role's metadata, the target's content).

        All as they were verified in this session.
        """
        content = self.get_content(target, limit).decode()
        signed = (r for r in self._roles_for(target) if target in self._read_targets(r).targets)
        role = next(signed)
        metadata = self._cache / "metadata"
        history = sorted(
            (int(path.name.split(".")[0]), path)
            for path in (metadata / "root_history").glob("*.root.json")
        )
        newest = self._read_root().version
        roots = tuple(p.read_text() for v, p in history if self._shipped < v <= newest)
        texts = [(metadata / f"{quote(name, '')}.json").read_text() for name in ("targets", role)]
        return roots, texts[0], role, texts[1], content

    def list_roles(self) -> dict[str, Targets]:
        """Every delegated role, loaded and verified. Raises what a tuf updater raises."""
        delegations = self._read_targets("targets").delegations
        roles = (delegations.roles if delegations else None) or {}
        for role in roles.values():
            for path in role.paths or ():
                self._updater.get_targetinfo(path.replace("*", "0"))
        return {name: self._read_targets(name) for name in roles}

    def list_expiries(self) -> list[tuple[str, str]]:
        """When each role's signatures end (UTC, ISO 8601), the first to end first."""
        files = (self._cache / "metadata").glob("*.json")
        found = [(path.stem, Metadata.from_file(str(path)).signed.expires) for path in files]
        return [(role, end.isoformat()) for role, end in sorted(found, key=lambda one: one[1])]

    def _get_entry(self, target: str) -> TargetFile:
        entry = self._updater.get_targetinfo(target)
        if entry is None:
            raise ReleaseUnknown(name=target)
        for role in self._roles_for(target):
            self._require_logged(role, self._get_version(role))
        return entry

    def _get_version(self, role: str) -> int:
        """Of a role, as the snapshot says. Raises ReleaseRejected."""
        try:
            return self._read_snapshot().meta[f"{role}.json"].version
        except KeyError as error:
            raise ReleaseRejected(reason=f"the snapshot does not name {role}") from error

    def _require_logged(self, role: str, version: int) -> None:
        """Of a role that was loaded in this version; one that was not is not used either."""
        path = self._cache / "metadata" / f"{quote(role, '')}.json"
        if path.is_file():
            raw = path.read_bytes()
            if Metadata.from_bytes(raw).signed.version == version:
                self.log.require(entry_of_metadata(role, version, raw))

    def _is_self_built(self, target: str) -> bool:
        delegations = self._read_targets("targets").delegations
        roles = (delegations.roles if delegations else None) or {}
        return any(roles[role].threshold < 2 for role in self._roles_for(target))

    def _roles_for(self, target: str) -> list[str]:
        delegations = self._read_targets("targets").delegations
        return [name for name, _ in delegations.get_roles_for_target(target)] if delegations else []

    def _read_root(self) -> Root:
        return Metadata[Root].from_file(str(self._cache / "metadata" / "root.json")).signed

    def _read_snapshot(self) -> Snapshot:
        path = self._cache / "metadata" / "snapshot.json"
        return Metadata[Snapshot].from_file(str(path)).signed

    def _read_targets(self, role: str) -> Targets:
        """A targets role that the updater verified in this session, from its cache."""
        path = self._cache / "metadata" / f"{quote(role, '')}.json"
        return Metadata[Targets].from_file(str(path)).signed


@contextmanager
def open_session(source: Source, root: bytes, cache: Path, seconds: float) -> Iterator[Session]:
    """Refresh once and lend the verified state. The caller holds the lock of the cache."""
    for name in ("metadata", "targets"):
        (cache / name).mkdir(parents=True, exist_ok=True)
    with translated():
        fetcher = source.open(Deadline(seconds))
        updater = Updater(
            metadata_dir=str(cache / "metadata"),
            metadata_base_url="metadata/",
            target_dir=str(cache / "targets"),
            target_base_url="targets/",
            fetcher=fetcher,
            config=CONFIG,
            bootstrap=root,
        )
        updater.refresh()
        session = Session(updater, cache, Metadata[Root].from_bytes(root).signed.version)
        session.refuse_twins()
        session.check_log(
            lambda path, most: fetcher.download_bytes(f"log/{path}", most), datetime.now(UTC)
        )
        yield session


def refuse_twins_in(keys: Mapping[str, Key]) -> None:
    """Raises ReleaseRejected for one key value under two ids, also when one is spelt otherwise."""
    if not all(is_well_written(key.keyval.get("public")) for key in keys.values()):
        raise ReleaseRejected(reason="a key is not written in its one right form")
    if len({str(key.keyval.get("public")) for key in keys.values()}) < len(keys):
        raise ReleaseRejected(reason="one key is listed twice under two names")


def describe_entry(entry: TargetFile, *, is_self_built: bool) -> Listing:
    """What a release's signed entry says of it. Raises ReleaseRejected when it says too little."""
    try:
        return Listing(
            target=entry.path,
            version=entry.path.split("/")[3],
            channel=entry.custom["channel"],
            security_floor=entry.custom["security_floor"],
            is_self_built=is_self_built,
        )
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise ReleaseRejected(str(error), reason=f"{entry.path} is not described") from error
